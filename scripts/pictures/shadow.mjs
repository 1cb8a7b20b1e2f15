import { fifo, semaphore, shadow } from 'sluice'
import { picture } from './chart.mjs'
import { Rate, spread, Stage, steps } from './stage.mjs'

const END = 40
/** Arrivals per second: rises to twice what the gate tried out would let through, and falls again. */
const rate = (time) => 100 + 300 * Math.max(0, Math.min(1, (time - 5) / 10, (35 - time) / 10))

/** The same arrivals before a gate that only says what it would do, and before one that does it. */
function arm(queue, wrap) {
  const stage = new Stage(12)
  const { clock, random } = stage
  const arrived = new Rate(stage)
  const passed = new Rate(stage)
  const refused = new Rate(stage)
  const observer = { rejected: () => refused.add() }
  const candidate = { permits: 10, clock, ...(queue === undefined ? {} : { queue }) }
  const gate = wrap ? shadow(semaphore(candidate), observer) : semaphore({ ...candidate, observer })
  const work = spread(random, 50)
  stage.load(rate, () => {
    arrived.add()
    // Drawn here, so that both arms see the same work.
    const took = work()
    gate.enter({}, (verdict) => {
      if (!verdict.admitted) return
      passed.add()
      clock.after(took, () => verdict.release('success'))
    })
  })
  stage.play(END)
  return { arrived, passed, refused }
}

export function draw() {
  const queue = fifo({ capacity: 20, maxWait: 500 })
  const told = { none: arm(undefined, true), queue: arm(queue, true) }
  const real = { none: arm(undefined, false), queue: arm(queue, false) }
  const x = [0, END]
  const compared = (name) => [
    { label: 'shadow: would have refused', kind: 'step', points: steps(told[name].refused, END), color: 1 },
    { label: 'the gate itself: refused', kind: 'step', points: steps(real[name].refused, END), color: 5, dash: true },
  ]
  const svg = picture({
    title: 'shadow(semaphore({ permits: 10 })): what it would have refused',
    description:
      'Everybody passes while the gate that is tried out counts whom it would have refused. Without a queue the count is that of the real gate; with one it is too low.',
    xLabel: 'time, s',
    panels: [
      {
        heading: 'Per second',
        height: 110,
        x,
        y: [0, 480],
        series: [
          { label: 'arrived', kind: 'step', points: steps(told.none.arrived, END), color: 5 },
          { label: 'let in', kind: 'step', points: steps(told.none.passed, END), color: 0, dash: true },
        ],
        rules: [{ at: 200, label: 'the gate: 200/s', left: true }],
      },
      { heading: 'Without a queue: refusals per second', height: 100, x, y: [0, 300], series: compared('none') },
      {
        heading: 'With a queue, fifo({ capacity: 20, maxWait: 500 }): refusals per second',
        height: 100,
        x,
        y: [0, 300],
        series: compared('queue'),
      },
    ],
  })
  const both = (name) => `shadow ${told[name].refused.count()}, the gate itself ${real[name].refused.count()}`
  return [
    {
      name: 'shadow',
      svg,
      numbers: [
        ['arrived, let in', `${told.none.arrived.count()}, ${told.none.passed.count()}`],
        ['refused, without a queue', both('none')],
        ['refused, with a queue', both('queue')],
        ['would have been refused before 5 s, without a queue, at 100/s', told.none.refused.count(0, 5)],
      ],
    },
  ]
}
