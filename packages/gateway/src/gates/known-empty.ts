import { Rejection, type Answer, type Arrival, type Gate, type Millis, type Verdict, type Waiting } from 'sluice'
import { around } from './around.ts'

/**
 * Before a bucket of the fleet: whoever would wait longer than it may is refused at once, with the time to come back, as
 * by a bucket of this process; only while it is being asked how much is left does anybody wait for the answer.
 * @param patience in ms
 */
export function knownEmpty(gate: Gate, patience: Millis): Gate {
  const { core } = gate
  return around(gate, {
    enter(arrival, mayWait) {
      const first = core.enter(arrival, false)
      if (!mayWait || first.admitted !== false || first.code !== 'rate_limited') return first
      if (first.retryAfter === undefined || first.retryAfter > patience) return first
      return spent(core.enter(patient(arrival, patience), true))
    },
  })
}

function patient(arrival: Arrival, patience: Millis): Arrival {
  return { ...arrival, maxWait: Math.min(patience, arrival.maxWait ?? patience) }
}

/** Who has waited for tokens in vain has met a spent quota, not a full house. */
function spent(entered: Verdict | Waiting): Verdict | Waiting {
  if (entered.admitted !== undefined) return renamed(entered)
  const waiting: Waiting = { admitted: undefined, answer: undefined, cancel: () => entered.cancel() }
  const answer: Answer = (verdict) => waiting.answer?.(renamed(verdict))
  entered.answer = answer
  return waiting
}

function renamed(verdict: Verdict): Verdict {
  if (verdict.admitted || verdict.code !== 'queue_timeout') return verdict
  const { gate, load, limit, retryAfter } = verdict
  return new Rejection('rate_limited', gate, load, limit, retryAfter)
}
