import type { Millis } from 'sluice'

/** How long is waited for what, in ticks. */
export interface Patience {
  readonly connect: number
  readonly head: number
  /** `Infinity`: none. */
  readonly body: number
}

/** Time is looked at this often, in ms: a deadline is kept to within two of them. */
export const TICK: Millis = 250

/** In ms. */
export interface Timeouts {
  readonly connectTimeout: Millis
  readonly headersTimeout: Millis
  /** 0: none. */
  readonly bodyTimeout: Millis
}

export function patienceOf({ connectTimeout, headersTimeout, bodyTimeout }: Timeouts): Patience {
  return {
    connect: ticks(connectTimeout),
    head: ticks(headersTimeout),
    body: bodyTimeout === 0 ? Infinity : ticks(bodyTimeout),
  }
}

/** The tick under way is not a whole one. */
function ticks(time: Millis): number {
  return Math.ceil(time / TICK)
}
