import { stringify } from 'yaml'

/** Where the parts of a deployment find each other. */
export interface Deployment {
  /** The service behind: scheme, host and port, as the gateway reaches it. */
  readonly upstream: string
  /** The image of the gateway. */
  readonly image: string
}

export const DEPLOYMENT: Deployment = { upstream: 'http://service:3000', image: 'sluice-gateway:0.1.0' }

export const DATA_PORT = 8080
export const ADMIN_PORT = 9090

/** From SIGTERM on, for what is in progress to end, in seconds. */
export const DRAIN = 30

/** Before that, for load balancers to look elsewhere, in seconds. */
export const LEAVE = 10

/**
 * A configuration to begin with: a limit that finds itself for each instance, one of 300 for all of them together, and
 * the admin port open to the network for whoever has the token.
 * @param redis where the limit of all instances is kept
 */
export function starter({ upstream }: Deployment, redis: string): string {
  return stringify({
    listen: {
      port: DATA_PORT,
      adminHost: '0.0.0.0',
      adminPort: ADMIN_PORT,
      adminToken: '${SLUICE_ADMIN_TOKEN}',
      drainTimeout: `${DRAIN}s`,
    },
    redis: { url: redis },
    upstreams: { service: { servers: [{ url: upstream }] } },
    limits: {
      default: { kind: 'adaptive' },
      everybody: { kind: 'fixed', limit: 300, scope: 'fleet', onDown: 'share' },
    },
    routes: [{ path: '/*', upstream: 'service', limits: ['everybody', 'default'] }],
  })
}
