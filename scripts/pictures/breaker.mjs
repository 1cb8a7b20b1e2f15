import { breaker, failureRate } from 'sluice'
import { picture } from './chart.mjs'
import { Rate, stack, Stage } from './stage.mjs'

const END = 24
const WIDTH = 0.5
const FAILS = [6, 15]
const COLORS = { closed: 2, open: 1, 'half-open': 3 }

export function draw() {
  const stage = new Stage(4)
  const { clock, random } = stage
  const gate = breaker({
    rule: failureRate({ threshold: 0.5, window: 2000, minimum: 20 }),
    openFor: 3000,
    probes: 3,
    clock,
  })
  const ok = new Rate(stage, WIDTH)
  const failed = new Rate(stage, WIDTH)
  const refused = new Rate(stage, WIDTH)
  const changes = [[0, gate.state.value]]
  gate.state.subscribe((state) => changes.push([stage.time, state]))
  stage.load(
    () => 80,
    () => {
      const verdict = gate.tryEnter()
      if (!verdict.admitted) return refused.add()
      const down = stage.time >= FAILS[0] && stage.time < FAILS[1]
      clock.after(50 + 100 * random(), () => {
        const success = random() > (down ? 0.9 : 0.01)
        ;(success ? ok : failed).add()
        verdict.release(success ? 'success' : 'failure')
      })
    },
  )
  stage.play(END)
  const x = [0, END]
  const stretches = changes.map(([from, state], at) => ({ from, to: changes[at + 1]?.[0] ?? END, state }))
  const [okBars, failedBars, refusedBars] = stack([ok, failed, refused], END)
  const svg = picture({
    title: 'breaker: a dependency fails from 6 s to 15 s',
    description:
      'The breaker opens soon after the failures begin, looks again every three seconds with three probes, and closes when all succeed.',
    xLabel: 'time, s',
    panels: [
      {
        heading: 'State',
        height: 40,
        x,
        y: [0, 1],
        yTicks: [],
        series: Object.entries(COLORS).map(([state, color]) => ({
          label: state,
          kind: 'bars',
          width: 1,
          points: [],
          color,
        })),
        bands: stretches.map(({ from, to, state }) => ({ from, to, color: COLORS[state] })),
      },
      {
        heading: 'Calls per second, by how they ended',
        x,
        y: [0, 140],
        bands: [{ from: FAILS[0], to: FAILS[1], label: 'nine in ten fail' }],
        series: [
          { label: 'succeeded', kind: 'bars', points: okBars, width: WIDTH, color: 2 },
          { label: 'failed', kind: 'bars', points: failedBars, width: WIDTH, color: 1 },
          { label: 'refused: breaker_open', kind: 'bars', points: refusedBars, width: WIDTH, color: 5 },
        ],
      },
    ],
  })
  const opened = changes.find(([, state]) => state === 'open')[0]
  const closed = changes.findLast(([, state]) => state === 'closed')[0]
  return [
    {
      name: 'breaker',
      svg,
      numbers: [
        ['opened after the first failures by, s', (opened - FAILS[0]).toFixed(2)],
        ['closed after the recovery by, s', (closed - FAILS[1]).toFixed(2)],
        ['calls that reached the failing dependency while it failed', ok.count(...FAILS) + failed.count(...FAILS)],
        ['calls refused in its stead', refused.count(...FAILS)],
        ['states', changes.map(([at, state]) => `${at.toFixed(2)} ${state}`).join(' · ')],
      ],
    },
  ]
}
