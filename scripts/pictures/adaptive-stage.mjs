// A service of 20 slots × 50 ms behind the default limiter, and what becomes of its arrivals.
import { adaptive, limiter } from 'sluice'
import { Plant, quantile, Rate, spread, Stage } from './stage.mjs'

const IN_TIME = 500

/** `adaptive()`, telling what it knows after each window. */
function open(told) {
  const inner = adaptive()
  const tell = (step) => {
    told(step.state)
    return step
  }
  return { name: inner.name, init: () => tell(inner.init()), step: (state, window) => tell(inner.step(state, window)) }
}

/**
 * Offers `rate(time)` a second until `end`, in seconds; `change(stage, plant)` is called before and says what is to
 * become of the service, `told` gets the state of the algorithm after each window.
 */
export function gated(rate, end, change, told = () => {}) {
  const stage = new Stage(11)
  const { clock, random } = stage
  const plant = new Plant(stage, 20, spread(random, 50))
  const moves = []
  const observer = { limitChanged: (_from, to, reason) => moves.push([stage.time, to, reason]) }
  const gate = limiter({ clock, random, observer, limit: open(told) })
  const good = new Rate(stage)
  const refused = new Rate(stage)
  const ends = []
  stage.load(rate, () => {
    const due = clock.now()
    gate.enter({}, (verdict) => {
      if (!verdict.admitted) return refused.add()
      plant.work(() => {
        verdict.release('success')
        const took = clock.now() - due
        ends.push([stage.time, took])
        if (took <= IN_TIME) good.add()
      })
    })
  })
  const limit = stage.watch(10, () => gate.stats.limit)
  change(stage, plant)
  stage.play(end)
  const p99 = (from, to) =>
    Math.round(
      quantile(
        ends.filter(([at]) => at >= from && at < to).map(([, took]) => took),
        0.99,
      ),
    )
  return { good, refused, limit, moves, p99 }
}
