/**
 * Writing at the pace of whoever reads: writers that wait for `drain`, bounded buffers for each reader, hubs.
 * @module
 */
import {
  RejectedError,
  unwatchAbort,
  watchAbort,
  type AbortListener,
  type Outcome,
  type Permit,
} from '../ground/index.ts'
import { Feed, type Generation } from './feed.ts'
import type { Reader, ReaderEnd } from './reader.ts'

export { DisconnectedError } from './disconnected-error.ts'
export type { Generation } from './feed.ts'
export type { Format, Frame } from './frame.ts'
export type { HttpResponse, HttpTarget } from './http-line.ts'
export { hub, type Hub, type HubOptions, type HubStats } from './hub.ts'
export { NDJSON, NDJSON_HEADERS, ndjson, type NdjsonOptions } from './ndjson.ts'
export { pump, type PumpOptions } from './pump.ts'
export type { LagPolicy, LossReason, Reader, ReaderEnd, ReaderOptions, ReaderStats } from './reader.ts'
export { SSE_HEADERS, sse, type SseOptions } from './sse.ts'
export { sseFormat, type SseEvent, type SseMessage } from './sse-format.ts'
export type { NodeWritable, WebWritable, WebWriterLike, Writable, Writer, WriterOptions } from './writable.ts'
export { writer } from './writer.ts'

export interface StreamOptions {
  /** Calls it off: the source is left, the reader disconnected as `cancelled`, and it rejects with `signal.reason`. */
  readonly signal?: AbortSignal
  /**
   * The slot the generation holds. Released once: as `success` when all was written, as `ignored` when the reader left,
   * was disconnected, or it was called off, as `failure` when the source failed, as `dropped` when it was refused further in.
   */
  readonly permit?: Permit
}

/** How it ended for the reader. */
export type StreamEnd = ReaderEnd['how']

/**
 * Generates for one reader: what the source gives goes to the reader by its policy, and the reader is ended after the
 * last. A reader that leaves, or is disconnected, cancels the generation at once, frees the slot, and is no error.
 * @throws what the source throws, after the reader was disconnected as `failed`; `signal.reason`
 */
export async function stream<T>(
  source: Generation<T>,
  reader: Reader<T>,
  options: StreamOptions = {},
): Promise<StreamEnd> {
  const { signal, permit } = options
  const feed = new Feed(source, (message: T) => reader.send(message))
  let end: ReaderEnd | undefined
  let calledOff = false
  const watching = reader.onEnd((how) => {
    end = how
    // Also a reader somebody else has finished.
    feed.stop(how.reason)
    if (how.how !== 'finished') permit?.release('ignored')
  })
  const caller: AbortListener = {
    aborted: (reason) => {
      calledOff = true
      feed.stop(reason)
      reader.disconnect('cancelled')
    },
  }
  if (signal?.aborted === true) caller.aborted(signal.reason)
  else if (signal) watchAbort(signal, caller)
  try {
    await feed.done
    await reader.end()
    permit?.release('success')
    return 'finished'
  } catch (error) {
    if (calledOff) throw signal!.reason
    if (end !== undefined && error === end.reason) {
      if (end.how === 'finished') permit?.release('ignored')
      return end.how
    }
    permit?.release(outcomeOf(error))
    watching[Symbol.dispose]()
    reader.disconnect('failed')
    throw error
  } finally {
    if (signal) unwatchAbort(signal, caller)
    watching[Symbol.dispose]()
  }
}

/** A refusal from further in says that there is too much; anything else that something is wrong. */
function outcomeOf(error: unknown): Outcome {
  return error instanceof RejectedError ? 'dropped' : 'failure'
}
