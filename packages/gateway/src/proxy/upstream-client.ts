import { rawUpstream } from './raw-upstream.ts'
import type { UndiciUpstreamOptions } from './undici-upstream.ts'
import type { Upstream } from './upstream.ts'

/**
 * The client for one upstream: the raw one, or undici's where `SLUICE_UPSTREAM_CLIENT` was `undici` when the process began:
 * the way out for whoever meets an upstream that the strict one refuses.
 */
export const upstreamClient: (options: UndiciUpstreamOptions) => Upstream =
  // Takes a fifth of the time in which a gateway is loaded, and hardly anybody needs it.
  process.env['SLUICE_UPSTREAM_CLIENT'] === 'undici'
    ? (await import('./undici-upstream.ts')).undiciUpstream
    : rawUpstream
