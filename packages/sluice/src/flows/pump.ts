import { unwatchAbort, watchAbort, type AbortListener } from '../ground/index.ts'
import { Feed, type Generation } from './feed.ts'
import type { Writable } from './writable.ts'
import { writer } from './writer.ts'

export interface PumpOptions {
  /** Calls it off: the source is left, the stream destroyed, and the pump rejects with `signal.reason`. */
  readonly signal?: AbortSignal
  /** Ends the stream after the last item. Default true. */
  readonly end?: boolean
}

/**
 * Writes what a source gives to a stream, at the pace of the stream. The source is read only while the stream wants
 * more, and is left at once when the stream fails or closes; the stream is destroyed when the source fails.
 * @throws what the source throws; what a {@link writer} rejects with; `signal.reason`
 */
export async function pump<T>(source: Generation<T>, writable: Writable<T>, options: PumpOptions = {}): Promise<void> {
  const { signal, end = true } = options
  signal?.throwIfAborted()
  let feed: Feed<T> | undefined
  let over: { readonly reason: unknown } | undefined
  const out = writer(writable, {
    onClose: (failure) => {
      over = failure
      if (failure !== undefined) feed?.stop(failure.reason)
    },
  })
  // The stream may have been over before there was a feed to tell.
  if (over !== undefined) return out.end()
  feed = new Feed(source, (item) => out.write(item))
  const caller: AbortListener = { aborted: (reason) => out.abort(reason) }
  if (signal) watchAbort(signal, caller)
  try {
    await feed.done
    if (end) await out.end()
    else out.release()
  } catch (error) {
    out.abort(error)
    throw error
  } finally {
    if (signal) unwatchAbort(signal, caller)
  }
}
