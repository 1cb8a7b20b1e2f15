import { limiter } from 'sluice'
import { picture } from './chart.mjs'
import { mean, Plant, quantile, Rate, smooth, spread, Stage, steps } from './stage.mjs'

/** 20 slots × 50 ms. */
const CAPACITY = 400
const IN_TIME = 500
const END = 45
const rate = (time) => CAPACITY * (time >= 10 && time < 25 ? 3 : 0.8)

function arm(gated) {
  const stage = new Stage(7)
  const { clock, random } = stage
  const plant = new Plant(stage, 20, spread(random, 50))
  const gate = gated ? limiter({ clock, random }) : undefined
  const offered = new Rate(stage)
  const good = new Rate(stage)
  const refused = new Rate(stage)
  const latencies = Array.from({ length: END }, () => [])
  stage.load(rate, () => {
    const due = clock.now()
    offered.add()
    const done = () => {
      const took = clock.now() - due
      latencies[Math.floor(stage.time)]?.push(took)
      if (took <= IN_TIME) good.add()
    }
    if (gate === undefined) return plant.work(done)
    gate.enter({}, (verdict) => {
      if (!verdict.admitted) return refused.add()
      plant.work(() => {
        verdict.release('success')
        done()
      })
    })
  })
  const limit = stage.watch(20, () => gate?.stats.limit ?? 0)
  const inflight = stage.watch(20, () => gate?.stats.inflight ?? 0)
  stage.play(END)
  const p95 = latencies.map((values, at) => [at + 0.5, quantile(values, 0.95)])
  return { offered, good, refused, limit, inflight, p95 }
}

export function draw() {
  const without = arm(false)
  const gated = arm(true)
  const x = [0, END]
  const svg = picture({
    title: 'limiter(): load 0.8× → 3× → 0.8× of what the service can do',
    description:
      'With the limiter goodput stays at capacity during the overload and latency stays low; without it goodput falls to nothing and stays there after the load has gone.',
    xLabel: 'time, s',
    panels: [
      {
        heading: 'Arrivals, and answers within 500 ms, per second',
        x,
        y: [0, 1300],
        series: [
          { label: 'offered', kind: 'step', points: steps(gated.offered, END), color: 5 },
          { label: 'in time, with limiter()', kind: 'step', points: steps(gated.good, END), color: 0 },
          { label: 'in time, without', kind: 'step', points: steps(without.good, END), color: 1, dash: true },
        ],
        rules: [{ at: CAPACITY, label: 'capacity 400/s' }],
      },
      {
        heading: 'Time to answer, 95th percentile, ms (logarithmic)',
        x,
        y: [10, 100_000],
        log: true,
        series: [
          { label: 'with limiter()', kind: 'line', points: gated.p95, color: 0 },
          { label: 'without', kind: 'line', points: without.p95, color: 1, dash: true },
        ],
      },
      {
        heading: 'The limit, and what is in progress',
        x,
        y: [0, 60],
        series: [
          { label: 'in progress, mean of 0.5 s', kind: 'line', points: smooth(gated.inflight, 0.5), color: 3 },
          { label: 'limit (found by itself)', kind: 'step', points: gated.limit, color: 0 },
        ],
        rules: [{ at: 20, label: '20 slots' }],
      },
    ],
  })
  const during = (run) => Math.round(run.good.count(11, 25) / 14)
  const after = (run) => Math.round(run.good.count(26, END) / (END - 26))
  const p95 = (run) => Math.round(mean(run.p95, 11, 25))
  return [
    {
      name: 'limiter',
      svg,
      numbers: [
        ['in time per second at 3× (capacity 400)', `with ${during(gated)}, without ${during(without)}`],
        ['in time per second afterwards (offered 320)', `with ${after(gated)}, without ${after(without)}`],
        ['p95 at 3×, mean of the seconds, ms', `with ${p95(gated)}, without ${p95(without)}`],
        ['limit at 3×, mean', mean(gated.limit, 11, 25).toFixed(1)],
        ['refused before the load rises, at 0.8×', gated.refused.count(0, 10)],
        ['refused after it has fallen', gated.refused.count(26, END)],
      ],
    },
  ]
}
