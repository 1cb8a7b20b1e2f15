import type { Millis } from '../ground/index.ts'
import { choose, scripts, type Arbitrary, type LawOptions, type PropertyTester } from './property.ts'

/** One thing that happens to a channel. Fields that do not matter for it are ignored. */
export interface ChannelStep {
  readonly does: 'push' | 'send' | 'take' | 'try' | 'iterate' | 'leave' | 'tick' | 'close' | 'fail' | 'abort'
  readonly who: number
  readonly timeout: Millis | undefined
  readonly duration: Millis
  /** What the next listener does when it is told something. */
  readonly mood: 'calm' | 'throws' | 'pushes' | 'takes' | 'closes'
}

const DOES: readonly [ChannelStep['does'], ...ChannelStep['does'][]] = [
  'push',
  'take',
  'send',
  'push',
  'try',
  'push',
  'leave',
  'send',
  'tick',
  'iterate',
]
const TIMEOUTS = [undefined, 10, undefined, 0, 300, Infinity] as const
const DURATIONS = [1, 10, 0.5, 1000] as const
const MOODS = ['calm', 'calm', 'calm', 'throws', 'pushes', 'takes'] as const
/** Every fortieth step or so ends the channel, in one of three ways. */
const ENDS = 9750
/** Random lives of a channel. */
export function channelScripts(fc: PropertyTester, options: LawOptions): Arbitrary<ChannelStep[]> {
  return scripts(fc, options, 5, ([does = 0, who, timeout, duration, mood]) => ({
    does: does < ENDS ? choose(DOES, does) : choose(['close', 'fail', 'abort'], does),
    who: who ?? 0,
    timeout: choose(TIMEOUTS, timeout),
    duration: choose(DURATIONS, duration),
    mood: does % 97 === 96 ? 'closes' : choose(MOODS, mood),
  }))
}
