import { keyed, tokenBucket } from 'sluice'
import { picture } from './chart.mjs'
import { Rate, Stage, steps } from './stage.mjs'

const END = 30
const FLOOD = [10, 20]

/** Nine quiet tenants of 2 a second each, and one that sends 500 a second for a while. */
function arm(gateOf) {
  const stage = new Stage(9)
  const gate = gateOf(stage.clock)
  const quiet = { offered: new Rate(stage), admitted: new Rate(stage) }
  const loud = { offered: new Rate(stage), admitted: new Rate(stage) }
  const ask = (flow, counts) => {
    counts.offered.add()
    const verdict = gate.tryEnter({ flow })
    if (!verdict.admitted) return
    counts.admitted.add()
    verdict.release('success')
  }
  stage.load(
    () => 18,
    () => ask(`tenant ${Math.floor(stage.random() * 9)}`, quiet),
  )
  stage.load(
    (time) => (time >= FLOOD[0] && time < FLOOD[1] ? 500 : 2),
    () => ask('loud', loud),
  )
  stage.play(END)
  return { quiet, loud }
}

export function draw() {
  const own = arm((clock) =>
    keyed(
      (arrival) => arrival.flow,
      () => tokenBucket({ tokens: 10, capacity: 20, clock }),
    ),
  )
  const one = arm((clock) => tokenBucket({ tokens: 100, capacity: 200, clock }))
  const x = [0, END]
  const bands = [{ from: FLOOD[0], to: FLOOD[1], label: 'one sends 500/s' }]
  const both = (points) => [
    { label: 'keyed: 10/s for each of ten', kind: 'step', points: points(own), color: 0 },
    { label: 'one bucket of 100/s for all', kind: 'step', points: points(one), color: 1, dash: true },
  ]
  const share = ({ quiet }) => {
    const offered = steps(quiet.offered, END)
    return steps(quiet.admitted, END).map(([time, rate], at) => [time, (100 * rate) / Math.max(1, offered[at][1])])
  }
  const svg = picture({
    title: 'keyed: nine quiet tenants beside a flood',
    description:
      'With a bucket of their own the quiet tenants notice nothing of the flood; with one bucket for all they are refused with it.',
    xLabel: 'time, s',
    panels: [
      {
        heading: 'Quiet tenants: admitted, % of what they asked for',
        x,
        y: [0, 130],
        yTicks: [0, 25, 50, 75, 100],
        bands,
        series: both(share),
      },
      {
        heading: 'The loud one: admitted per second',
        height: 100,
        x,
        y: [0, 300],
        bands: [{ from: FLOOD[0], to: FLOOD[1] }],
        series: both(({ loud }) => steps(loud.admitted, END)),
      },
    ],
  })
  const kept = ({ quiet }) => `${((100 * quiet.admitted.count(11, 20)) / quiet.offered.count(11, 20)).toFixed(1)} %`
  const loud = (run) => Math.round(run.loud.admitted.count(11, 20) / 9)
  return [
    {
      name: 'keyed',
      svg,
      numbers: [
        ['quiet tenants admitted during the flood, 11–20 s', `keyed ${kept(own)}, one bucket ${kept(one)}`],
        ['the loud one admitted per second, 11–20 s', `keyed ${loud(own)}, one bucket ${loud(one)}`],
      ],
    },
  ]
}
