import { breaker, failureRate, limiter, semaphore, series, shedder, tokenBucket } from 'sluice'
import { picture } from './chart.mjs'
import { Plant, Rate, spread, stack, Stage } from './stage.mjs'

const END = 40
const PLACES = [
  { name: 'breaker', color: 1 },
  { name: 'shedder', color: 4 },
  { name: 'bucket', color: 3 },
  { name: 'limiter', color: 0 },
]

export function draw() {
  const stage = new Stage(10)
  const { clock, random } = stage
  const plant = new Plant(stage, 20, spread(random, 50))
  // A probe, as `sluice/probe` makes them: at 92 % the shedder refuses the lower priorities.
  const process = { value: { level: 0, cause: 'memory' }, subscribe: () => ({ [Symbol.dispose]() {} }) }
  const gate = series(
    breaker({ rule: failureRate({ window: 2000 }), openFor: 2000, name: 'breaker', clock }),
    shedder({ pressure: process, name: 'shedder' }),
    tokenBucket({ tokens: 300, name: 'bucket', clock }),
    limiter({ name: 'limiter', clock, random }),
  )
  let failing = false
  const admitted = new Rate(stage)
  const refused = Object.fromEntries(PLACES.map(({ name }) => [name, new Rate(stage)]))
  stage.load(
    (time) => (time >= 5 && time < 10 ? 800 : 200),
    () => {
      gate.enter({ priority: random() < 0.5 ? 1 : 2 }, (verdict) => {
        if (!verdict.admitted) return refused[verdict.gate].add()
        admitted.add()
        const failed = failing
        plant.work(() => verdict.release(failed ? 'failure' : 'success'))
      })
    },
  )
  const switchOn = (from, to, on, off) => {
    stage.at(from, on)
    stage.at(to, off)
  }
  switchOn(
    13,
    19,
    () => (plant.slots = 5),
    () => {
      plant.slots = 20
      plant.start()
    },
  )
  switchOn(
    22,
    27,
    () => (process.value = { level: 0.92, cause: 'memory' }),
    () => (process.value = { level: 0, cause: 'memory' }),
  )
  switchOn(
    30,
    35,
    () => (failing = true),
    () => (failing = false),
  )
  stage.play(END)
  const bars = stack([admitted, ...PLACES.map(({ name }) => refused[name])], END)
  const bands = [
    { from: 5, to: 10, label: '800/s' },
    { from: 13, to: 19, label: 'does 100/s' },
    { from: 22, to: 27, label: 'memory at 92 %' },
    { from: 30, to: 35, label: 'it fails' },
  ]
  const svg = picture({
    title: 'series(breaker, shedder, tokenBucket, limiter): who refuses what',
    description:
      'Too many arrivals are refused by the bucket, what a slower service cannot do by the limiter, low priorities by the shedder under memory pressure, everything by the breaker while the service fails.',
    xLabel: 'time, s',
    panels: [
      {
        heading: 'Arrivals per second, by what became of them; the service can do 400/s, the bucket lets in 300/s',
        height: 220,
        x: [0, END],
        y: [0, 950],
        bands,
        series: [
          { label: 'admitted', kind: 'bars', points: bars[0], width: 1, color: 2 },
          ...PLACES.map(({ name, color }, at) => ({
            label: `refused by ${name}`,
            kind: 'bars',
            points: bars[at + 1],
            width: 1,
            color,
          })),
        ],
      },
    ],
  })
  const by = (from, to) =>
    PLACES.map(({ name }) => `${name} ${refused[name].count(from, to)}`)
      .filter((words) => !words.endsWith(' 0'))
      .join(', ')
  return [
    {
      name: 'series',
      svg,
      numbers: [
        ...bands.map(({ from, to, label }) => [`refused, ${label}`, by(from, to) || 'nobody']),
        ['refused after all is over, 38–40 s', by(38, END) || 'nobody'],
        ['one spent token comes back when the limiter refuses: still in the bucket', spentAndGivenBack()],
      ],
    },
  ]
}

/** What stands in a bucket of ten after the gate behind it has refused one. */
function spentAndGivenBack() {
  const { clock } = new Stage()
  const bucket = tokenBucket({ tokens: 1, capacity: 10, clock })
  const full = semaphore({ permits: 1, clock })
  full.tryEnter()
  series(bucket, full).tryEnter()
  return `${bucket.available} of 10`
}
