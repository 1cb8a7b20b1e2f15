import { semaphore } from 'sluice'
import { picture } from './chart.mjs'
import { Rate, stack, Stage } from './stage.mjs'

const END = 16
const HANGS = [4, 8]
const TIMEOUT = 200
const WIDTH = 0.25

/** Work that heeds no signal; for a while each piece takes 3 s instead of 50 ms. */
async function arm(overdue) {
  const stage = new Stage(14)
  const { clock } = stage
  const gate = semaphore({ permits: 20, clock })
  const done = new Rate(stage, WIDTH)
  const calledOff = new Rate(stage, WIDTH)
  const refused = new Rate(stage, WIDTH)
  let progress = 0
  const work = () =>
    new Promise((resolve) => {
      progress++
      clock.after(stage.time >= HANGS[0] && stage.time < HANGS[1] ? 3000 : 50, () => {
        progress--
        resolve()
      })
    })
  stage.load(
    () => 80,
    () => {
      gate.run(work, { timeout: TIMEOUT, overdue }).then(
        () => done.add(),
        ({ code }) => (code === 'deadline' ? calledOff : refused).add(),
      )
    },
  )
  const inProgress = stage.watch(50, () => progress)
  const zombies = stage.watch(50, () => gate.zombies)
  await stage.playAsync(END)
  return { done, calledOff, refused, inProgress, zombies }
}

export async function draw() {
  const hold = await arm('hold')
  const release = await arm('release')
  const x = [0, END]
  const bands = [{ from: HANGS[0], to: HANGS[1], label: 'work begun now takes 3 s' }]
  const quiet = [{ from: HANGS[0], to: HANGS[1] }]
  const ends = (run) => {
    const bars = stack([run.done, run.calledOff, run.refused], END)
    return [
      { label: 'done', kind: 'bars', points: bars[0], width: WIDTH, color: 2 },
      { label: 'called off after 200 ms', kind: 'bars', points: bars[1], width: WIDTH, color: 1 },
      { label: 'refused: limit_exceeded', kind: 'bars', points: bars[2], width: WIDTH, color: 5 },
    ]
  }
  const svg = picture({
    title: 'run({ timeout: 200 }): work that does not stop when it is called off',
    description:
      'Holding the permits keeps what is really in progress at the limit and refuses the others; releasing them lets zombies pile up behind the limit.',
    xLabel: 'time, s',
    panels: [
      {
        heading: 'Really in progress, before a semaphore of 20 permits',
        x,
        y: [0, 300],
        bands,
        series: [
          { label: "overdue: 'hold'", kind: 'line', points: hold.inProgress, color: 0 },
          { label: "overdue: 'release'", kind: 'line', points: release.inProgress, color: 1, dash: true },
        ],
        rules: [{ at: 20, label: '20 permits' }],
      },
      {
        heading: 'Zombies: called off, and going on (gate.zombies)',
        height: 100,
        x,
        y: [0, 260],
        bands: quiet,
        series: [
          { label: "'hold'", kind: 'line', points: hold.zombies, color: 0 },
          { label: "'release'", kind: 'line', points: release.zombies, color: 1, dash: true },
        ],
      },
      {
        heading: "What callers were told, per second: 'hold'",
        height: 90,
        x,
        y: [0, 180],
        yTicks: [0, 50, 100],
        bands: quiet,
        series: ends(hold),
      },
      {
        heading: "What callers were told, per second: 'release'",
        height: 90,
        x,
        y: [0, 180],
        yTicks: [0, 50, 100],
        bands: quiet,
        series: ends(release),
      },
    ],
  })
  const most = (points) => Math.max(...points.map(([, value]) => value))
  const both = (read) => `hold ${read(hold)}, release ${read(release)}`
  return [
    {
      name: 'deadlines',
      svg,
      numbers: [
        ['most really in progress (20 permits)', both((run) => most(run.inProgress))],
        ['most zombies', both((run) => most(run.zombies))],
        ['called off', both((run) => run.calledOff.count())],
        ['refused', both((run) => run.refused.count())],
        ['done', both((run) => run.done.count())],
      ],
    },
  ]
}
