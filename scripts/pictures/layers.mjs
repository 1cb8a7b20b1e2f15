import { picture } from './chart.mjs'

const END = 40
const EVENT = [10, 14]

/** The scene is that of the tests: they say what must come out of it, this shows it. */
export async function draw() {
  const { playLayers } = await import('../../packages/sluice/dist/test/llm/layers-stage.js')
  const whole = await playLayers({ length: END })
  const broken = await playLayers({ length: END, hears: false })
  const svg = picture({
    title: 'Four layers: a provider runs dry, and the door knows at once',
    description:
      'When the provider answers 429 the pressure of the pool jumps, the door refuses the lower classes from the next arrival on and opens again when it is over. With a broken link the queue fills up instead, and the link says so.',
    xLabel: 'time, s',
    panels: [
      arrivals('Arrivals per second, by what became of them', whole),
      levels('Pressure of the pool, and what waits in the inference queue', whole),
      arrivals('The same with a broken link: the door is not told', broken),
      levels('Pressure of the pool, what waits, and where the link says that it is broken', broken),
    ],
  })
  return [{ name: 'layers', svg, numbers: numbersOf(whole, broken) }]
}

const FATES = [
  { label: 'done', fates: ['done'], color: 2 },
  { label: 'refused by quotas', fates: ['quotas'], color: 3 },
  { label: 'refused at the door', fates: ['door'], color: 1 },
  { label: 'refused further in', fates: ['queue', 'model', 'late'], color: 0 },
]

function arrivals(heading, run) {
  const base = Array.from({ length: END }, () => 0)
  const series = FATES.map(({ label, fates, color }) => {
    const points = base.map((below, at) => {
      const count = run.seen.filter((one) => fates.includes(one.fate) && Math.floor(one.at) === at).length
      base[at] += count
      return [at, count, below]
    })
    return { label, kind: 'bars', points, width: 1, color }
  })
  return { heading, height: 120, x: [0, END], y: [0, 120], bands: [bandOf()], series }
}

function levels(heading, run) {
  const of = (read) => run.points.filter(({ at }) => at <= END).map((point) => [point.at, read(point)])
  return {
    heading,
    height: 90,
    x: [0, END],
    y: [0, 1.6],
    bands: [bandOf()],
    series: [
      { label: 'pressure of the pool', kind: 'step', points: of(({ pressure }) => pressure), color: 4 },
      { label: 'inference queue, part of its room', kind: 'line', points: of(({ queued }) => queued / 60), color: 0 },
      {
        label: 'the link is broken',
        kind: 'bars',
        points: of(({ link }) => (link === 'broken' ? 0.1 : 0)),
        width: 0.11,
        color: 1,
      },
    ],
  }
}

function bandOf() {
  return { from: EVENT[0], to: EVENT[1], label: '429' }
}

function numbersOf(whole, broken) {
  const first = whole.refusals[0]
  const lower = whole.seen.filter(({ priority }) => priority < 3)
  const refused = lower.find(({ at, fate }) => at >= first && fate === 'door')
  const opened = lower.find(({ at, fate }) => at > refused.at && fate === 'done')
  const highest = (run) => Math.max(...run.points.map(({ queued }) => queued))
  const shown = broken.points.find(({ link }) => link === 'broken')
  const deep = (run) => run.seen.filter(({ fate }) => ['queue', 'model', 'late'].includes(fate)).length
  return [
    ['from the first 429 to the first refusal at the door', `${Math.round((refused.at - first) * 1000)} ms`],
    [
      'of the lower classes let in from then to 13.5 s',
      lower.filter(({ at, fate }) => at >= first && at < 13.5 && fate !== 'door').length,
    ],
    ['the door opens again', `at ${opened.at.toFixed(1)} s`],
    ['answers of 429 in all', whole.refusals.length],
    ['refused further in than the door; with a broken link', `${deep(whole)}; ${deep(broken)}`],
    ['most who waited in the inference queue, of 60; with a broken link', `${highest(whole)}; ${highest(broken)}`],
    [
      'the link says that it is broken',
      `at ${shown.at.toFixed(1)} s; in all ${broken.link.leaked} came who should not have`,
    ],
  ]
}
