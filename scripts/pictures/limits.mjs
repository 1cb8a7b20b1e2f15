// One scene for every limit algorithm: the load rises above what the service can do, half of the service fails, and comes back.
import { adaptive, limiter } from 'sluice'
import { picture } from './chart.mjs'
import { mean, Plant, quantile, Rate, spread, Stage, steps } from './stage.mjs'

const IN_TIME = 500
const END = 60
const RISES = 10
const FAILS = 35
const RETURNS = 47
/** A second: 70 in progress at 50 ms, 280 at 200. */
const SLOWED = 1400
const slotsAt = (time) => (time >= FAILS && time < RETURNS ? 10 : 20)
const rateAt = (time) => (time < RISES ? 200 : 800)

/** A service behind a limiter with this algorithm, in virtual time. */
function behind(limit, slots, service, rate, end, change = () => {}) {
  const stage = new Stage(5)
  const { clock, random } = stage
  const plant = new Plant(stage, slots, service(random))
  const gate = limiter({ clock, random, limit })
  const good = new Rate(stage)
  const refused = new Rate(stage)
  const answers = []
  stage.load(rate, () => {
    const due = clock.now()
    gate.enter({}, (verdict) => {
      if (!verdict.admitted) return refused.add()
      plant.work(() => {
        verdict.release('success')
        answers.push([stage.time, clock.now() - due])
        if (clock.now() - due <= IN_TIME) good.add()
      })
    })
  })
  const limits = stage.watch(20, () => gate.stats.limit)
  change(stage, plant)
  stage.play(end)
  const p99 = (from, to) => {
    const times = answers.filter(([time]) => time >= from && time < to).map(([, took]) => took)
    return Math.round(quantile(times, 0.99))
  }
  return { good, refused, limits, p99 }
}

const fifty = (random) => spread(random, 50)

/** 20 slots × 50 ms, half load, then twice what it can do, and for a while half of the slots. */
function scene(limit) {
  return behind(limit, 20, fifty, rateAt, END, (stage, plant) => {
    for (const time of [FAILS, RETURNS])
      stage.at(time, () => {
        plant.slots = slotsAt(time)
        plant.start()
      })
  })
}

const latency = ({ p99 }) => Array.from({ length: END }, (_, second) => [second + 0.5, p99(second, second + 1)])

/** The picture of an algorithm, beside the default, and the figures of the scene and of `failures`. */
export function portrait({ name, call, make, top, failures }) {
  const own = scene(make())
  const other = scene(adaptive())
  const x = [0, END]
  const corners = [0, FAILS, RETURNS, END]
  const svg = picture({
    title: `${call}: load 0.5× → 2×, half of the service fails, and comes back`,
    description: `Answers in time, the time to answer and the limit over a minute, with ${call} and with the default.`,
    xLabel: 'time, s',
    panels: [
      {
        heading: 'Answers within 500 ms, per second; 200 a second arrive, then 800',
        x,
        y: [0, 500],
        series: [
          {
            label: 'capacity',
            kind: 'step',
            points: corners.map((at) => [at, slotsAt(at) * 20]),
            color: 5,
            dash: true,
          },
          { label: 'with adaptive()', kind: 'step', points: steps(other.good, END), color: 2 },
          { label: `with ${call}`, kind: 'step', points: steps(own.good, END), color: 0 },
        ],
      },
      {
        heading: 'Time to answer, 99th percentile of each second, ms',
        x,
        y: [0, 600],
        series: [
          { label: 'with adaptive()', kind: 'line', points: latency(other), color: 2 },
          { label: `with ${call}`, kind: 'line', points: latency(own), color: 0 },
        ],
      },
      {
        heading: 'The limit',
        x,
        y: [0, top],
        series: [
          { label: 'slots', kind: 'step', points: corners.map((at) => [at, slotsAt(at)]), color: 5, dash: true },
          { label: 'with adaptive()', kind: 'step', points: other.limits, color: 2 },
          { label: `with ${call}`, kind: 'step', points: own.limits, color: 0 },
        ],
      },
    ],
  })
  const useful = (from, to) => Math.round(own.good.count(from, to) / (to - from))
  const limit = (from, to) => Math.round(mean(own.limits, from, to))
  return {
    name,
    svg,
    numbers: [
      ['in time per second in the first 5 s at 2× (capacity 400)', useful(RISES, RISES + 5)],
      ['in time per second from then on', useful(RISES + 5, FAILS)],
      ['in time per second with half the slots (capacity 200)', useful(FAILS, RETURNS)],
      ['in time per second afterwards', useful(RETURNS + 3, END)],
      ['limit at half load, at 2×, with half the slots', [limit(5, 10), limit(25, 35), limit(42, 47)].join(', ')],
      ['p99 at 2×, with half the slots, ms', [own.p99(25, 35), own.p99(42, 47)].join(', ')],
      ...failures,
    ],
  }
}

const SERVICES = {
  'about 50 ms, 20 slots': { slots: 20, mean: 50, service: fifty },
  'about 50 ms, 200 slots': { slots: 200, mean: 50, service: fifty },
  'about 20 ms, 1 slot': { slots: 1, mean: 20, service: (random) => spread(random, 20) },
  '95 % 10, 5 % 500 ms, 20 slots': { slots: 20, mean: 34.5, service: (random) => () => (random() < 0.05 ? 500 : 10) },
}

/** The share of capacity that is answered in time from 20 to 40 s, when the load is this from the first second on. */
export function kept(make, times) {
  return Object.entries(SERVICES).map(([label, { slots, mean: typical, service }]) => {
    const capacity = (slots / typical) * 1000
    const runs = times.map((load) => behind(make(), slots, service, () => capacity * load, 40))
    const share = ({ good }) => (good.count(20, 40) / 20 / capacity).toFixed(2)
    return [`${label}: kept at ${times.join('×, ')}× from the start`, runs.map(share).join(', ')]
  })
}

/** The limit at points in time under a load of 200 a second for 10 s, then twice what 20 slots × 50 ms can do. */
export function drift(make, at) {
  const { limits } = behind(make(), 20, fifty, rateAt, at.at(-1))
  return at.map((time) => Math.round(mean(limits, time - 5, time))).join(', ')
}

/** The share refused while slots are plenty and everything takes 200 ms instead of 50, from 10 s on. */
export function slower(make, stretches) {
  const { refused } = behind(
    make(),
    1000,
    fifty,
    () => SLOWED,
    stretches.at(-1)[1],
    (stage, plant) => {
      stage.at(10, () => {
        plant.service = spread(stage.random, 200)
      })
    },
  )
  return stretches.map(([from, to]) => (refused.count(from, to) / (SLOWED * (to - from))).toFixed(2)).join(', ')
}
