import { fifo, semaphore, tally } from 'sluice'
import { picture } from './chart.mjs'
import { Rate, spread, Stage, stack } from './stage.mjs'

const END = 6
const WIDTH = 0.1

export function draw() {
  const stage = new Stage(5)
  const { clock, random } = stage
  const counts = tally()
  const gate = semaphore({ permits: 10, queue: fifo({ capacity: 30, maxWait: 120 }), clock, observer: counts })
  const work = spread(random, 50)
  const full = new Rate(stage, WIDTH)
  const late = new Rate(stage, WIDTH)
  stage.load(
    (time) => (time >= 2 && time < 3 ? 600 : 100),
    () => {
      gate.enter({}, (verdict) => {
        if (verdict.admitted) clock.after(work(), () => verdict.release('success'))
        else (verdict.code === 'queue_full' ? full : late).add()
      })
    },
  )
  const inflight = stage.watch(10, () => gate.stats.inflight)
  const queued = stage.watch(10, () => gate.stats.queued)
  stage.play(END)
  const x = [0, END]
  const [fullBars, lateBars] = stack([full, late], END)
  const bands = [{ from: 2, to: 3, label: 'burst' }]
  const svg = picture({
    title: 'semaphore({ permits: 10, queue: fifo({ capacity: 30, maxWait: 120 }) })',
    description:
      'In a burst all permits are taken, the queue fills, and what does not fit or waits too long is refused.',
    xLabel: 'time, s',
    panels: [
      {
        heading: 'In progress and waiting; 100 arrivals a second, 600 in the burst, of about 50 ms each',
        height: 150,
        x,
        y: [0, 36],
        bands,
        series: [
          { label: 'in progress', kind: 'step', points: inflight, color: 0 },
          { label: 'waiting', kind: 'step', points: queued, color: 3 },
        ],
        rules: [
          { at: 10, label: '10 permits' },
          { at: 30, label: '30 places to wait' },
        ],
      },
      {
        heading: 'Refused per second',
        height: 90,
        x,
        y: [0, 600],
        yTicks: [0, 200, 400, 600],
        bands: [{ from: 2, to: 3 }],
        series: [
          { label: 'queue_full: no place to wait', kind: 'bars', points: fullBars, width: WIDTH, color: 1 },
          { label: 'queue_timeout: waited 120 ms', kind: 'bars', points: lateBars, width: WIDTH, color: 4 },
        ],
      },
    ],
  })
  const most = (points) => Math.max(...points.map(([, value]) => value))
  return [
    {
      name: 'semaphore',
      svg,
      numbers: [
        ['most in progress', most(inflight)],
        ['most waiting', most(queued)],
        ['admitted', counts.admissions],
        ['refused: queue_full, queue_timeout', `${full.count()}, ${late.count()}`],
        ['average wait of those admitted, ms', counts.averageWait.toFixed(1)],
      ],
    },
  ]
}
