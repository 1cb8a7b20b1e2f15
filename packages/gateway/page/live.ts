import { useEffect, useState } from 'preact/hooks'
import type { Snapshot, Tick } from '../src/live/snapshot.ts'
import { follow, type Heard } from './follow.ts'

/** What is known of one gateway, and whether it is still being heard of. */
export interface Live {
  readonly snapshot: Snapshot | undefined
  readonly history: readonly Tick[]
  /** `live`, or since when nothing has come, in ms since 1970. */
  readonly silentSince: number | undefined
  /** Seconds for which no figures came, of those in `history`. */
  readonly missed: number
  /** Why nothing is told: the admin token is missing or wrong, or too many follow already. */
  readonly refused: Exclude<Heard, 'yes'> | undefined
}

/** What comes once a second: the snapshot without its history, and the second that was added to it. */
interface Beat {
  readonly snapshot: Snapshot
  readonly tick: Tick | null
}

const KEPT = 600
/** Without a word for so long, it is said that nobody is heard, in ms. */
const SILENCE = 2500

const NOBODY: Live = { snapshot: undefined, history: [], silentSince: undefined, missed: 0, refused: undefined }

/** Follows a gateway. What is shown says so when nothing comes any more. */
export function useLive(address: string, token: string): Live {
  const [live, setLive] = useState<Live>(NOBODY)
  useEffect(() => {
    const ending = new AbortController()
    let last = Date.now()
    const onEvent = (name: string, data: string): void => {
      last = Date.now()
      if (name === 'snapshot') {
        const snapshot = JSON.parse(data) as Snapshot
        setLive(withHistory(snapshot, snapshot.history))
      } else if (name === 'beat') {
        const { snapshot, tick } = JSON.parse(data) as Beat
        setLive(({ history }) => withHistory(snapshot, isNew(tick, history) ? [...history, tick] : history))
      }
    }
    void follow(address, token, ending.signal, onEvent, (heard) =>
      setLive((was) => ({ ...was, refused: heard === 'yes' ? undefined : heard })),
    )
    const watch = setInterval(() => {
      const silent = Date.now() - last > SILENCE
      setLive((was) =>
        silent === (was.silentSince !== undefined) ? was : { ...was, silentSince: silent ? last : undefined },
      )
    }, 500)
    return () => {
      clearInterval(watch)
      ending.abort()
    }
  }, [address, token])
  return live
}

function isNew(tick: Tick | null, history: readonly Tick[]): tick is Tick {
  return tick !== null && tick.at > (history.at(-1)?.at ?? 0)
}

function withHistory(snapshot: Snapshot, ticks: readonly Tick[]): Live {
  const history = ticks.slice(-KEPT)
  let missed = 0
  for (let i = 1; i < history.length; i++) missed += gap(history[i - 1]!, history[i]!)
  return { snapshot, history, silentSince: undefined, missed, refused: undefined }
}

/** Seconds between two ticks that should be neighbours. */
export function gap(before: Tick, after: Tick): number {
  return Math.max(0, Math.round((after.at - before.at) / 1000) - 1)
}
