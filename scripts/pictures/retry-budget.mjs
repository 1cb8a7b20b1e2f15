import { retryBudget } from 'sluice'
import { picture } from './chart.mjs'
import { Plant, Rate, spread, Stage, steps } from './stage.mjs'

const END = 60
const RATE = 140
const PATIENCE = 500
const MOST = 3
const STUMBLE = [10, 14]

/** Callers who give up after 500 ms and try up to three times more, before a service of 10 slots × 50 ms. */
function arm(withBudget) {
  const stage = new Stage(6)
  const { clock, random } = stage
  const plant = new Plant(stage, 10, spread(random, 50))
  const budget = withBudget ? retryBudget({ clock }) : undefined
  const attempts = new Rate(stage)
  const first = new Rate(stage)
  const good = new Rate(stage)
  const attempt = (retries) => {
    attempts.add()
    const from = clock.now()
    let answered = false
    plant.work(() => {
      if (clock.now() - from > PATIENCE) return
      answered = true
      good.add()
    })
    clock.after(PATIENCE, () => {
      if (answered || retries === MOST) return
      clock.after(100, () => {
        if (budget === undefined || budget.tryEnter().admitted) attempt(retries + 1)
      })
    })
  }
  stage.load(
    () => RATE,
    () => {
      budget?.deposit()
      first.add()
      attempt(0)
    },
  )
  stage.at(STUMBLE[0], () => {
    plant.slots = 2
  })
  stage.at(STUMBLE[1], () => {
    plant.slots = 10
    plant.start()
  })
  const balance = stage.watch(100, () => budget?.balance ?? 0)
  stage.play(END)
  return { attempts, first, good, balance }
}

export function draw() {
  const storm = arm(false)
  const calm = arm(true)
  const x = [0, END]
  const bands = [{ from: STUMBLE[0], to: STUMBLE[1], label: 'stumble' }]
  const both = (name) => [
    { label: 'with retryBudget()', kind: 'step', points: steps(calm[name], END), color: 0 },
    { label: 'without', kind: 'step', points: steps(storm[name], END), color: 1, dash: true },
  ]
  const svg = picture({
    title: 'retryBudget: a stumble of four seconds, with up to three retries each',
    description:
      'Without a budget retries keep the service overloaded long after it has recovered; with one it recovers by itself.',
    xLabel: 'time, s',
    panels: [
      {
        heading: 'Attempts per second; 140 of them are first attempts',
        x,
        y: [0, 650],
        bands,
        series: both('attempts'),
        rules: [{ at: 200, label: 'the service can do 200/s' }],
      },
      {
        heading: 'Answered within 500 ms, per second',
        x,
        y: [0, 200],
        bands: [{ from: STUMBLE[0], to: STUMBLE[1] }],
        series: both('good'),
      },
      {
        heading: 'Retries there is budget for',
        height: 70,
        x,
        y: [0, 180],
        yTicks: [0, 50, 100, 150],
        series: [{ kind: 'line', points: calm.balance, color: 2 }],
      },
    ],
  })
  const ratio = (run, from, to) => (run.attempts.count(from, to) / run.first.count(from, to)).toFixed(2)
  const useful = (run) => Math.round(run.good.count(40, END) / (END - 40))
  return [
    {
      name: 'retry-budget',
      svg,
      numbers: [
        ['attempts per first attempt, 14–30 s', `with ${ratio(calm, 14, 30)}, without ${ratio(storm, 14, 30)}`],
        ['attempts per first attempt, 40–60 s', `with ${ratio(calm, 40, 60)}, without ${ratio(storm, 40, 60)}`],
        ['in time per second, 40–60 s (offered 140)', `with ${useful(calm)}, without ${useful(storm)}`],
        ['most attempts in a second', `with ${most(calm)}, without ${most(storm)}`],
      ],
    },
  ]
}

function most({ attempts }) {
  return Math.max(...attempts.points(END).map(([, rate]) => rate))
}
