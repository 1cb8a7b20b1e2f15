import { h2Upstream } from './h2-upstream.ts'
import { rawUpstream } from './raw-upstream.ts'
import type { UndiciUpstreamOptions } from './undici-upstream.ts'
import type { Upstream } from './upstream.ts'

/**
 * The client for HTTP/1.1: the raw one, or undici's where `SLUICE_UPSTREAM_CLIENT` was `undici` when the process began: the
 * way out for whoever meets an upstream that the strict one refuses.
 */
const overHttp1: (options: UndiciUpstreamOptions) => Upstream =
  // Not loaded for the many who do not need it.
  process.env['SLUICE_UPSTREAM_CLIENT'] === 'undici'
    ? (await import('./undici-upstream.ts')).undiciUpstream
    : rawUpstream

export interface UpstreamClientOptions extends UndiciUpstreamOptions {
  /** Ask over HTTP/2, where the upstream takes it. Default false. */
  readonly http2?: boolean
}

/** The client for one upstream. */
export function upstreamClient({ http2 = false, ...options }: UpstreamClientOptions): Upstream {
  return http2 ? h2Upstream(options) : overHttp1(options)
}
