// A GPU that makes tokens faster than a client's network takes them, in virtual time.
import { channel } from '../../src/index.ts'
import type { Millis } from '../../src/ground/index.ts'
import { StepClock } from './step-clock.ts'

/** What is done about it: nothing, slow the GPU down, or send the client away. */
export type NetworkPolicy = 'nothing' | 'slow' | 'disconnect'

export interface NetworkRun {
  /** Every 100 ms: seconds, tokens that lie between the GPU and the client, tokens made, tokens read. */
  readonly points: readonly {
    readonly at: number
    readonly buffered: number
    readonly made: number
    readonly read: number
  }[]
  readonly most: number
  /** When the GPU was free for somebody else, in seconds. */
  readonly freed: number
}

/** Tokens a second: made; read on a good network; read on a bad one, from 2 s on. */
const [MADE, GOOD, BAD] = [100, 200, 20]
const ANSWER = 1500
/** What a client may have lying, in tokens, and how long it may be full before it has to go, in ms. */
const [ROOM, PATIENCE]: readonly [number, Millis] = [64, 3000]

export async function playNetwork(policy: NetworkPolicy, length = 40): Promise<NetworkRun> {
  const clock = new StepClock()
  const began = clock.now()
  const time = (): number => (clock.now() - began) / 1000
  const tokens = channel<number>({ capacity: policy === 'nothing' ? 100_000 : ROOM, policy: 'block', clock })
  const leaving = new AbortController()
  const points: NetworkRun['points'][number][] = []
  let made = 0
  let read = 0
  let most = 0
  let freed = Infinity
  const generate = async (): Promise<void> => {
    try {
      while (made < ANSWER) {
        await clock.sleep(1000 / MADE)
        made++
        await tokens.send(made, { signal: leaving.signal })
        most = Math.max(most, tokens.size)
      }
      tokens.close()
    } catch (error) {
      if (!leaving.signal.aborted) throw error
    }
    freed = time()
  }
  const consume = async (): Promise<void> => {
    for await (const _token of tokens) {
      read++
      await clock.sleep(1000 / (time() < 2 ? GOOD : BAD))
    }
  }
  let full: number | undefined
  const watch = async (): Promise<void> => {
    while (time() < length) {
      points.push({ at: time(), buffered: tokens.size, made, read })
      full = tokens.size >= ROOM - 1 ? (full ?? clock.now()) : undefined
      if (policy === 'disconnect' && full !== undefined && clock.now() - full >= PATIENCE && !leaving.signal.aborted) {
        leaving.abort(new Error('too slow'))
        tokens.abort(new Error('too slow'))
      }
      await clock.sleep(100)
    }
  }
  void generate()
  consume().catch((error: unknown) => {
    if (!leaving.signal.aborted) throw error
  })
  void watch()
  await clock.pass(length * 1000)
  return { points, most, freed }
}
