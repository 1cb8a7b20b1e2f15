import type { Deployment as Workload } from 'kubernetes-types/apps/v1.d.ts'
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.d.ts'
import type { ConfigMap, Probe, Service } from 'kubernetes-types/core/v1.d.ts'
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.d.ts'
import { stringify } from 'yaml'
import { ADMIN_PORT, DATA_PORT, DEPLOYMENT, DRAIN, LEAVE, starter, type Deployment } from './starter.ts'

const NAME = 'sluice-gateway'
const LABELS = { 'app.kubernetes.io/name': NAME }

/** Room between the end of draining and the end of patience, in seconds. */
const MARGIN = 5

/**
 * Manifests for `kubectl apply -f -`. Readiness fails only while a gateway starts or drains: taking a busy one away makes
 * the others busier. Liveness never looks at load. Scaled by pressure, in use as a share of the limit, which an adapter
 * for custom metrics has to offer. Redis and the secret `sluice-admin` (key `token`) have to be there.
 */
export function kubernetes(deployment: Deployment = DEPLOYMENT): string {
  const documents = manifests(deployment).map((each) => stringify(each, { lineWidth: 0, compat: 'yaml-1.1' }))
  return `${HEAD}${documents.join('---\n')}`
}

/** What annotations cannot say: whoever scrapes by them sends no token, and is told nothing. */
const HEAD = `# Before this: kubectl create secret generic sluice-admin --from-literal=token="$(openssl rand -hex 20)"
# Prometheus reads /metrics on port ${ADMIN_PORT} of each pod with that token: in its scrape_config
#   authorization: { credentials_file: … }
`

/** All there is, in the order to apply it. */
type Manifests = readonly [ConfigMap, Workload, Service, PodDisruptionBudget, HorizontalPodAutoscaler]

/** The same as objects, of the types that Kubernetes itself gives them. */
export function manifests(deployment: Deployment = DEPLOYMENT): Manifests {
  const metadata = { name: NAME, labels: LABELS }
  const probe = (path: string): Probe => ({ httpGet: { path, port: 'admin' }, periodSeconds: 2, timeoutSeconds: 1 })
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata,
      data: { 'sluice.yaml': starter(deployment, 'redis://redis:6379') },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        replicas: 2,
        selector: { matchLabels: LABELS },
        strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        template: {
          metadata: { labels: LABELS },
          spec: {
            terminationGracePeriodSeconds: LEAVE + DRAIN + MARGIN,
            automountServiceAccountToken: false,
            // A service that is called sluice would give every pod a SLUICE_PORT of its own.
            enableServiceLinks: false,
            securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
            containers: [
              {
                name: 'gateway',
                image: deployment.image,
                ports: [
                  { name: 'http', containerPort: DATA_PORT },
                  { name: 'admin', containerPort: ADMIN_PORT },
                ],
                env: [
                  {
                    name: 'SLUICE_ADMIN_TOKEN',
                    valueFrom: { secretKeyRef: { name: 'sluice-admin', key: 'token' } },
                  },
                ],
                volumeMounts: [{ name: 'config', mountPath: '/etc/sluice', readOnly: true }],
                startupProbe: { ...probe('/health/live'), failureThreshold: 30 },
                livenessProbe: { ...probe('/health/live'), periodSeconds: 10, failureThreshold: 6 },
                readinessProbe: { ...probe('/health/ready'), failureThreshold: 2 },
                // Endpoints are taken away while the container is being told to end: it serves on until they are.
                lifecycle: { preStop: { exec: { command: ['sleep', String(LEAVE)] } } },
                resources: { requests: { cpu: '500m', memory: '256Mi' }, limits: { memory: '512Mi' } },
                securityContext: {
                  allowPrivilegeEscalation: false,
                  readOnlyRootFilesystem: true,
                  capabilities: { drop: ['ALL'] },
                },
              },
            ],
            volumes: [{ name: 'config', configMap: { name: NAME } }],
          },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: LABELS, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
    },
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata,
      spec: { maxUnavailable: 1, selector: { matchLabels: LABELS } },
    },
    {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata,
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: NAME },
        minReplicas: 2,
        maxReplicas: 10,
        metrics: [
          {
            type: 'Pods',
            pods: {
              metric: { name: 'backpressure_pressure' },
              target: { type: 'AverageValue', averageValue: '700m' },
            },
          },
        ],
        behavior: { scaleDown: { stabilizationWindowSeconds: 300 } },
      },
    },
  ]
}
