import { BY_UTILIZATION, semaphore, series, shedder } from 'sluice'
import { picture } from './chart.mjs'
import { Rate, smooth, spread, Stage } from './stage.mjs'

const END = 60
const CLASSES = [
  { label: '0 sheddable', color: 5 },
  { label: '1 sheddable plus', color: 3 },
  { label: '2 critical', color: 0 },
  { label: '3 critical plus', color: 2 },
]
/** Of ten arrivals, one is the most important and three can be done without. */
const MIX = [1, 2, 6, 1]

/** In units of capacity: rises to 2.5 and falls again. */
const load = (time) => 0.6 + 1.9 * Math.max(0, Math.min(1, (time - 5) / 20, (55 - time) / 20))

export function draw() {
  const stage = new Stage(8)
  const { clock, random } = stage
  const bulk = semaphore({ permits: 200, clock })
  const gate = series(shedder({ pressure: bulk.pressure }), bulk)
  const work = spread(random, 100)
  const offered = CLASSES.map(() => new Rate(stage))
  const admitted = CLASSES.map(() => new Rate(stage))
  stage.load(
    (time) => load(time) * 2000,
    () => {
      const priority = classOf(random() * 10)
      offered[priority].add()
      const verdict = gate.tryEnter({ priority })
      if (!verdict.admitted) return
      admitted[priority].add()
      clock.after(work(), () => verdict.release('success'))
    },
  )
  const level = stage.watch(20, () => bulk.pressure.value.level)
  stage.play(END)
  const x = [0, END]
  const share = (priority) =>
    admitted[priority]
      .points(END)
      .map(([time, rate], at) => [time + 0.5, (100 * rate) / Math.max(1, offered[priority].points(END)[at][1])])
  const svg = picture({
    title: 'shedder: load rises to 2.5× of 200 permits, and falls again',
    description:
      'As pressure rises the least important are refused first; the most important keep being served nearly all of the time.',
    xLabel: 'time, s',
    panels: [
      {
        heading: 'Offered load, and permits in use, as a share of what there is',
        x,
        y: [0, 2.6],
        height: 100,
        yTicks: [0, 0.5, 1, 1.5, 2, 2.5],
        series: [
          {
            label: 'offered',
            kind: 'line',
            points: Array.from({ length: END + 1 }, (_, at) => [at, load(at)]),
            color: 5,
            dash: true,
          },
          { label: 'pressure (in use), mean of 1 s', kind: 'line', points: smooth(level, 1), color: 1 },
        ],
      },
      {
        heading: 'Admitted, % of each priority; refused from a pressure of 0.90, 0.90, 0.95, 0.98',
        x,
        y: [0, 105],
        yTicks: [0, 25, 50, 75, 100],
        height: 150,
        series: CLASSES.map((one, priority) => ({
          ...one,
          kind: 'line',
          points: share(priority),
          dash: priority === 1,
        })),
      },
    ],
  })
  const kept = (priority, from, to) =>
    ((100 * admitted[priority].count(from, to)) / offered[priority].count(from, to)).toFixed(1)
  return [
    {
      name: 'shedder',
      svg,
      numbers: [
        ['thresholds', BY_UTILIZATION.join(', ')],
        ...CLASSES.map(({ label }, priority) => [
          `${label}: admitted % at 0.6×, 25–35 s at 2.5×`,
          `${kept(priority, 0, 5)}, ${kept(priority, 25, 35)}`,
        ]),
      ],
    },
  ]
}

function classOf(draw) {
  let rest = draw
  return MIX.findIndex((weight) => (rest -= weight) < 0)
}
