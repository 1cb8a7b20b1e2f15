import type { Clock } from 'sluice'
import type { LlmCounts } from './call-site.ts'
import { LlmMeter } from './llm-meter.ts'

/** Calls that went another way because they would have waited too long, by that way. */
export interface LlmOverflowed {
  cached: number
  upstream: number
  batch: number
}

/**
 * What has come of the calls of a door to language models. A door that takes the place of another, because the plan has
 * changed, goes on counting where that one is, and while that one serves its last calls both do.
 */
export class LlmFigures {
  readonly counts: LlmCounts = {
    arrived: 0,
    admitted: 0,
    retried: 0,
    stalled: 0,
    refused: { share: 0, full: 0, late: 0, never: 0, unknown: 0, closed: 0 },
    departed: { upload: 0, waiting: 0, asked: 0, answering: 0, over: 0 },
  }
  readonly overflowed: LlmOverflowed = { cached: 0, upstream: 0, batch: 0 }
  readonly meter: LlmMeter

  constructor(clock: Clock) {
    this.meter = new LlmMeter(clock)
  }
}
