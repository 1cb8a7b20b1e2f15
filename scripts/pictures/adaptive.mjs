import { limiter } from 'sluice'
import { shares } from './bars.mjs'
import { picture } from './chart.mjs'
import { mean, Plant, Rate, spread, Stage, steps } from './stage.mjs'

const IN_TIME = 500
const SERVICES = [
  { label: 'always 50 ms', slots: 20, mean: 50, service: () => () => 50 },
  { label: 'about 50 ms (cv 0.6)', slots: 20, mean: 50, service: (random) => spread(random, 50) },
  { label: 'about 5 ms (cv 0.6)', slots: 16, mean: 5, service: (random) => spread(random, 5) },
  { label: '95 % 10, 5 % 500 ms', slots: 20, mean: 34.5, service: (random) => () => (random() < 0.05 ? 500 : 10) },
]
const LOADS = [
  { times: 1.2, color: 2 },
  { times: 2, color: 0 },
  { times: 10, color: 1 },
]

export function draw() {
  return [follow(), slower(), services()]
}

/** A service of 20 slots × 50 ms behind the default limiter. */
function gated(rate, end, change) {
  const stage = new Stage(11)
  const { clock, random } = stage
  const plant = new Plant(stage, 20, spread(random, 50))
  const moves = []
  const observer = { limitChanged: (_from, to, reason) => moves.push([stage.time, to, reason]) }
  const gate = limiter({ clock, random, observer })
  const good = new Rate(stage)
  const refused = new Rate(stage)
  stage.load(rate, () => {
    const due = clock.now()
    gate.enter({}, (verdict) => {
      if (!verdict.admitted) return refused.add()
      plant.work(() => {
        verdict.release('success')
        if (clock.now() - due <= IN_TIME) good.add()
      })
    })
  })
  const limit = stage.watch(10, () => gate.stats.limit)
  change(stage, plant)
  stage.play(end)
  return { good, refused, limit, moves }
}

function follow() {
  const end = 50
  const slots = (time) => (time >= 15 && time < 30 ? 5 : 20)
  const run = gated(
    () => 360,
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
    title: 'adaptive(): the service loses three quarters of its slots, and gets them back',
    description: 'The limit falls after the loss of capacity and rises after its return; goodput stays near capacity.',
    xLabel: 'time, s',
    panels: [
      {
        heading: 'Answers within 500 ms, per second; 360 a second arrive',
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
      ['in time per second with 20 slots (capacity 400, offered 360)', useful(2, 15)],
      ['in time per second with 5 slots (capacity 100)', useful(17, 30)],
      ['in time per second in the two seconds after the loss', useful(15, 17)],
      ['in time per second with 20 slots again', useful(34, end)],
      [
        'limit, mean: before, during, after',
        [mean(run.limit, 5, 15), mean(run.limit, 17, 30), mean(run.limit, 34, end)]
          .map((value) => value.toFixed(1))
          .join(', '),
      ],
      ['decisions in the 7 s after the loss', decisions(run, 15, 22)],
    ],
  }
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
  const run = gated(
    () => 280,
    end,
    (stage, plant) => {
      // Slots are plenty: it is slow, not full.
      plant.slots = 1000
      stage.at(10, () => {
        plant.service = spread(stage.random, 200)
      })
    },
  )
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
    ],
  }
}

/** What share of its capacity a service is kept useful for. */
function kept({ slots, mean: typical, service }, times) {
  const stage = new Stage(3)
  const { clock, random } = stage
  const plant = new Plant(stage, slots, service(random))
  const gate = limiter({ clock, random })
  const capacity = (slots / typical) * 1000
  const good = new Rate(stage)
  stage.load(
    () => capacity * times,
    () => {
      const due = clock.now()
      gate.enter({}, (verdict) => {
        if (!verdict.admitted) return
        plant.work(() => {
          verdict.release('success')
          if (clock.now() - due <= 1000) good.add()
        })
      })
    },
  )
  stage.play(23)
  return good.count(3, 23) / 20 / capacity
}

function services() {
  const groups = SERVICES.map((service) => ({
    label: service.label,
    values: LOADS.map(({ times }) => kept(service, times)),
  }))
  const svg = picture({
    title: 'limiter(): how much of its capacity a service is kept useful for',
    description:
      'Near all of it for services of even or moderately spread times, about four fifths where one in twenty takes fifty times as long.',
    panels: [
      shares({
        heading: 'Answers within 1 s, as a share of what the service can do; 20 s after 3 s to settle',
        series: LOADS.map(({ times, color }) => ({ label: `load ${times}×`, color })),
        groups,
      }),
    ],
  })
  return {
    name: 'adaptive-services',
    svg,
    numbers: groups.map(({ label, values }) => [
      `${label}: kept at ${LOADS.map(({ times }) => `${times}×`).join(', ')}`,
      values.map((value) => value.toFixed(3)).join(', '),
    ]),
  }
}
