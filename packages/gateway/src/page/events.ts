import type { ServerResponse } from 'node:http'
import { systemClock, type Clock, type Millis, type Timer } from 'sluice'
import { hub, sse, sseFormat, type Hub, type SseEvent } from 'sluice/stream'
import type { Snapshot, Tick } from '../live/snapshot.ts'

/** Where the figures come from. */
export interface Feed {
  snapshot(): Snapshot
  /** The second that has just ended; the same one when asked again before the next has. */
  tick(): Tick | undefined
}

export interface Events {
  /** Answers with a stream of events that ends when the reader leaves, or this is closed. False: there are too many already. */
  serve(res: ServerResponse): boolean
  close(): void
}

/** How often everybody is told, in ms. */
const BEAT: Millis = 1000

/** More would be a mistake: who needs figures for many reads /metrics. */
const MOST_READERS = 100

const EVERYBODY = 'beat'

/**
 * What the page follows: an event `snapshot` with everything, then `beat` once a second with everything but the history,
 * and the second that was added to it. A page that does not keep up misses beats, and sees by their times that it did.
 * While nobody follows, nothing is done.
 */
export function events(feed: Feed, clock: Clock = systemClock): Events {
  const readers: Hub<SseEvent> = hub({ maxReaders: MOST_READERS, name: 'page' })
  const format = sseFormat<SseEvent>((event) => event)
  let timer: Timer | undefined
  let last: number | undefined

  function beat(): void {
    timer = undefined
    if (readers.stats.readers === 0) return
    const tick = feed.tick()
    const fresh = tick !== undefined && tick.at !== last
    last = tick?.at
    const snapshot = { ...feed.snapshot(), history: [] }
    readers.publish(EVERYBODY, { event: 'beat', data: { snapshot, tick: fresh ? tick : null } })
    start()
  }

  function start(): void {
    timer ??= clock.after(BEAT, beat, { background: true })
  }

  return {
    serve(res) {
      // Before anything is made for him: who is turned away comes again every second.
      if (readers.readers(EVERYBODY) >= MOST_READERS) return false
      // Whoever is told newer figures has no use for the older ones.
      const reader = sse<SseEvent>(res, { policy: 'coalesce', key: ({ event }) => event, format, retry: BEAT })
      reader.push({ event: 'snapshot', data: feed.snapshot() })
      readers.subscribe(EVERYBODY, reader)
      start()
      return true
    },
    close() {
      timer?.cancel()
      readers.close('the gateway ends')
    },
  }
}
