import { stringify } from 'yaml'
import { alerts } from './alerts.ts'
import { grafana } from './grafana.ts'
import { ADMIN_PORT, DATA_PORT, DEPLOYMENT, DRAIN, LEAVE, starter, type Deployment } from './starter.ts'

/** In the text of a compose file a dollar begins a variable unless it is doubled. */
const plain = (content: string): string => content.replaceAll('$', '$$$$')

/**
 * The gateway with Redis, Prometheus and Grafana, in one file: `SLUICE_ADMIN_TOKEN=… docker compose up`. Only the data
 * port is open to the network; the others are on loopback.
 */
export function compose(deployment: Deployment = DEPLOYMENT): string {
  const scrape = {
    global: { scrape_interval: '5s', evaluation_interval: '5s' },
    rule_files: ['/etc/prometheus/alerts.yml'],
    scrape_configs: [
      {
        job_name: 'sluice',
        authorization: { credentials_file: '/run/secrets/admin-token' },
        static_configs: [{ targets: [`gateway:${ADMIN_PORT}`] }],
      },
    ],
  }
  const source = {
    apiVersion: 1,
    datasources: [
      { name: 'Prometheus', type: 'prometheus', url: 'http://prometheus:9090', isDefault: true, access: 'proxy' },
    ],
  }
  const boards = { apiVersion: 1, providers: [{ name: 'sluice', options: { path: '/var/lib/grafana/dashboards' } }] }
  const file = {
    name: 'sluice',
    services: {
      gateway: {
        image: deployment.image,
        restart: 'unless-stopped',
        ports: [`${DATA_PORT}:${DATA_PORT}`, `127.0.0.1:${ADMIN_PORT}:${ADMIN_PORT}`],
        environment: {
          SLUICE_ADMIN_TOKEN: '${SLUICE_ADMIN_TOKEN:?choose a token of 16 signs or more}',
        },
        configs: [{ source: 'gateway', target: '/etc/sluice/sluice.yaml' }],
        depends_on: { redis: { condition: 'service_healthy' } },
        stop_grace_period: `${DRAIN + LEAVE}s`,
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      },
      redis: {
        image: 'redis:7',
        restart: 'unless-stopped',
        // Nothing here is worth a disk: after a loss the instances tell what they hold. Nothing may be evicted.
        command: ['redis-server', '--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction'],
        healthcheck: { test: ['CMD', 'redis-cli', 'ping'], interval: '2s', timeout: '1s', retries: 10 },
      },
      prometheus: {
        image: 'prom/prometheus:v2.53.2',
        restart: 'unless-stopped',
        ports: ['127.0.0.1:9091:9090'],
        configs: [
          { source: 'prometheus', target: '/etc/prometheus/prometheus.yml' },
          { source: 'alerts', target: '/etc/prometheus/alerts.yml' },
        ],
        secrets: ['admin-token'],
      },
      grafana: {
        image: 'grafana/grafana:11.2.0',
        restart: 'unless-stopped',
        ports: ['127.0.0.1:3001:3000'],
        configs: [
          { source: 'datasource', target: '/etc/grafana/provisioning/datasources/prometheus.yml' },
          { source: 'boards', target: '/etc/grafana/provisioning/dashboards/sluice.yml' },
          { source: 'dashboard', target: '/var/lib/grafana/dashboards/sluice.json' },
        ],
      },
    },
    configs: {
      gateway: { content: plain(starter(deployment, 'redis://redis:6379')) },
      prometheus: { content: plain(stringify(scrape)) },
      alerts: { content: plain(alerts()) },
      datasource: { content: plain(stringify(source)) },
      boards: { content: plain(stringify(boards)) },
      dashboard: { content: plain(grafana()) },
    },
    secrets: { 'admin-token': { environment: 'SLUICE_ADMIN_TOKEN' } },
  }
  // Readers of YAML 1.1 would take `no` for false.
  return stringify(file, { lineWidth: 0, compat: 'yaml-1.1' })
}
