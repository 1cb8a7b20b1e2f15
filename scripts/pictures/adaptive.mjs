import { kneeOf } from '../../packages/sluice/dist/src/limit/latency-curve.js'
import { services } from './adaptive-services.mjs'
import { gated } from './adaptive-stage.mjs'
import { picture } from './chart.mjs'
import { mean, spread, steps } from './stage.mjs'

/** What the curve adds to every latency, in ms. */
const NEGLIGIBLE = 5

export function draw() {
  return [curve(), follow(), slower(), services()]
}

/** What is known of the service after 10 s at 2×. */
function curve() {
  let known
  gated(
    () => 800,
    10,
    () => {},
    (state) => {
      known = state
    },
  )
  const ms = (logarithm) => Math.exp(logarithm) - NEGLIGIBLE
  const sights = known.curve.map(({ inflight, latency, doubt }) => {
    const error = Math.sqrt(doubt)
    return [Math.exp(inflight), ms(latency), ms(latency - error), ms(latency + error)]
  })
  const found = kneeOf(known.curve, known.prior, Math.log(known.limit))
  const knee = Math.exp(found.inflight)
  const most = 60
  const bend = (level) => ms(found.base + Math.max(0, Math.log(level) - found.inflight))
  const svg = picture({
    title: 'adaptive(): what it knows of 20 slots × 50 ms after 10 s at twice their capacity',
    description:
      'Dots for what was seen at several levels of work in flight, each with its standard error, and the fitted curve: flat up to a knee near 20, then proportional to what is in flight. The limit stands just above the knee.',
    xLabel: 'in flight',
    panels: [
      {
        heading: 'Time in service, ms (geometric mean of a window), and one standard error each way',
        height: 200,
        x: [0, most],
        y: [0, 150],
        series: [
          {
            label: 'fitted',
            kind: 'line',
            points: [1, knee, ...Array.from({ length: 12 }, (_, at) => knee + ((most - knee) * (at + 1)) / 12)].map(
              (level) => [level, bend(level)],
            ),
            color: 0,
          },
          { label: 'seen', kind: 'marks', points: sights.filter(([level]) => level <= most), color: 1 },
        ],
        bands: [{ from: knee, to: known.limit, label: 'knee … limit' }],
      },
    ],
  })
  return {
    name: 'adaptive-curve',
    svg,
    numbers: [
      ['fitted: base ms, knee', `${ms(found.base).toFixed(1)}, ${knee.toFixed(1)}`],
      ['knees nearly as likely', `${Math.exp(found.least).toFixed(1)} to ${Math.exp(found.most).toFixed(1)}`],
      ['limit', known.limit],
      [
        'seen: in flight, ms ± standard error',
        sights
          .toSorted(([one], [other]) => one - other)
          .map(([level, at, , high]) => `${level.toFixed(1)}: ${at.toFixed(0)} ± ${(high - at).toFixed(1)}`)
          .join(' · '),
      ],
    ],
  }
}

function follow() {
  const end = 45
  const slots = (time) => (time >= 15 && time < 30 ? 5 : 20)
  const run = gated(
    () => 800,
    end,
    (stage, plant) => {
      for (const time of [15, 30])
        stage.at(time, () => {
          plant.slots = slots(time)
          plant.start()
        })
    },
  )
  const corners = [0, 15, 30, end]
  const svg = picture({
    title: 'adaptive(): twice what 20 slots can do; they become 5, and 20 again',
    description: 'The limit falls after the loss of capacity and rises after its return; goodput stays near capacity.',
    xLabel: 'time, s',
    panels: [
      {
        heading: 'Answers within 500 ms, per second; 800 a second arrive',
        x: [0, end],
        y: [0, 500],
        series: [
          { label: 'capacity', kind: 'step', points: corners.map((x) => [x, slots(x) * 20]), color: 5, dash: true },
          { label: 'in time', kind: 'step', points: steps(run.good, end), color: 0 },
        ],
      },
      {
        heading: 'The limit',
        x: [0, end],
        y: [0, 60],
        series: [
          {
            label: 'slots of the service',
            kind: 'step',
            points: corners.map((x) => [x, slots(x)]),
            color: 5,
            dash: true,
          },
          { label: 'limit', kind: 'step', points: run.limit, color: 0 },
        ],
      },
    ],
  })
  const useful = (from, to) => Math.round(run.good.count(from, to) / (to - from))
  return {
    name: 'adaptive',
    svg,
    numbers: [
      ['in time per second with 20 slots (capacity 400)', useful(2, 15)],
      ['in time per second with 5 slots (capacity 100)', useful(18, 30)],
      ['in time in each of the three seconds after the loss', [15, 16, 17].map((at) => useful(at, at + 1)).join(', ')],
      [
        'in time in each of the three seconds after the return',
        [30, 31, 32].map((at) => useful(at, at + 1)).join(', '),
      ],
      ['in time per second with 20 slots again', useful(34, end)],
      ['p99 ms: before, during (from 3 s on), after', [run.p99(2, 15), run.p99(18, 30), run.p99(34, end)].join(', ')],
      [
        'limit, mean: before, during, after',
        [mean(run.limit, 5, 15), mean(run.limit, 17, 30), mean(run.limit, 34, end)]
          .map((value) => value.toFixed(1))
          .join(', '),
      ],
      ['decisions in the 3 s after the loss', decisions(run, 15, 18)],
      ['step from 0.3× to 10×: p99 ms in the first 5 s, later', stepped(20)],
      ['the same, three quarters of the slots lost before', stepped(5)],
    ],
  }
}

/** Ten seconds at 2×, ten at 0.3×, during which so many slots are left, and then ten times what they can do. */
function stepped(slots) {
  const run = gated(
    (time) => (time < 10 ? 800 : time < 20 ? 6 * slots : 200 * slots),
    40,
    (stage, plant) => {
      stage.at(10, () => {
        plant.slots = slots
      })
    },
  )
  return `${run.p99(20, 25)}, ${run.p99(25, 40)}`
}

/** Where the limit went, and why. */
function decisions({ moves }, from, to) {
  return moves
    .filter(([at]) => at >= from && at < to)
    .map(([, limit, reason]) => `${Math.floor(limit)} ${reason}`)
    .join(' · ')
}

function slower() {
  const end = 30
  // Slots are plenty: it is slow, not full.
  const slowed = (rate, times) =>
    gated(
      () => rate,
      end,
      (stage, plant) => {
        plant.slots = 1000
        stage.at(10, () => {
          plant.service = spread(stage.random, 50 * times)
        })
      },
    )
  const run = slowed(280, 4)
  const rare = slowed(20, 20)
  const svg = picture({
    title: 'adaptive(): the service takes four times as long, and has room enough',
    description: 'The limit first falls, finds that latency does not follow, and then rises to what the load needs.',
    xLabel: 'time, s',
    panels: [
      {
        heading: 'Refused per second; 280 a second arrive',
        height: 80,
        x: [0, end],
        y: [0, 300],
        yTicks: [0, 100, 200, 300],
        series: [{ kind: 'bars', points: run.refused.points(end), width: 1, color: 1 }],
        bands: [{ from: 10, to: end, label: 'about 200 ms instead of 50' }],
      },
      {
        heading: 'The limit',
        x: [0, end],
        y: [0, 180],
        series: [{ kind: 'step', points: run.limit, color: 0 }],
        bands: [{ from: 10, to: end }],
        rules: [{ at: 56, label: 'needed: 280/s × 0.2 s = 56' }],
      },
    ],
  })
  return {
    name: 'adaptive-slower',
    svg,
    numbers: [
      ['refused in the first 3 s after it became slower, share', (run.refused.count(10, 13) / (280 * 3)).toFixed(3)],
      ['refused from then on, share', (run.refused.count(13, end) / (280 * (end - 13))).toFixed(3)],
      ['decisions between 10 s and 14 s', decisions(run, 10, 14)],
      ['20 a second, 20 times as long: refused in 20 s, share', (rare.refused.count(10, end) / (20 * 20)).toFixed(3)],
    ],
  }
}
