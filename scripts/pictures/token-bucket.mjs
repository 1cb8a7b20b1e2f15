import { fifo, leakyBucket, tokenBucket } from 'sluice'
import { picture } from './chart.mjs'
import { Rate, stack, Stage } from './stage.mjs'

const END = 10
const WIDTH = 0.1

/** Calm, a burst at once at 2 s, and too much from 5 to 7 s. */
function offer(gateOf) {
  const stage = new Stage(2)
  const gate = gateOf(stage.clock)
  const admitted = new Rate(stage, WIDTH)
  const refused = new Rate(stage, WIDTH)
  let waitedLongest = 0
  const arrive = () =>
    gate.enter({}, (verdict) => {
      if (!verdict.admitted) return refused.add()
      waitedLongest = Math.max(waitedLongest, verdict.waited)
      admitted.add()
    })
  stage.load((time) => (time >= 5 && time < 7 ? 200 : 40), arrive)
  stage.at(2, () => {
    for (let count = 0; count < 100; count++) arrive()
  })
  const available = stage.watch(20, () => gate.available)
  const queued = stage.watch(20, () => gate.stats.queued)
  stage.play(END)
  return { admitted, refused, available, queued, waitedLongest }
}

export function draw() {
  const token = offer((clock) => tokenBucket({ tokens: 100, capacity: 60, clock }))
  const leaky = offer((clock) => leakyBucket({ tokens: 100, queue: fifo({ capacity: 80, maxWait: 1000 }), clock }))
  const x = [0, END]
  const bars = ({ admitted, refused }, code) => {
    const [inside, outside] = stack([admitted, refused], END)
    return [
      { label: 'admitted', kind: 'bars', points: inside, width: WIDTH, color: 0 },
      { label: `refused: ${code}`, kind: 'bars', points: outside, width: WIDTH, color: 1 },
    ]
  }
  const rules = [{ at: 100, label: '100/s' }]
  const svg = picture({
    title: 'tokenBucket lets a burst through, leakyBucket spreads it out',
    description:
      'A hundred arrivals at once at two seconds, two hundred a second from five to seven: the token bucket admits what it has saved up, the leaky bucket admits at an even pace and lets the others wait.',
    xLabel: 'time, s',
    panels: [
      {
        heading: 'tokenBucket({ tokens: 100, capacity: 60 }): tokens at hand',
        height: 90,
        x,
        y: [0, 70],
        yTicks: [0, 20, 40, 60],
        series: [{ kind: 'line', points: token.available, color: 2 }],
      },
      {
        heading: 'Arrivals per second (stretches of 0.1 s)',
        x,
        y: [0, 1100],
        rules,
        series: bars(token, 'rate_limited'),
      },
      {
        heading: 'leakyBucket({ tokens: 100, queue: fifo({ capacity: 80, maxWait: 1000 }) }): waiting',
        height: 90,
        x,
        y: [0, 90],
        yTicks: [0, 40, 80],
        series: [{ kind: 'line', points: leaky.queued, color: 3 }],
      },
      {
        heading: 'Let in, or refused, per second',
        height: 90,
        x,
        y: [0, 330],
        yTicks: [0, 100, 200, 300],
        rules,
        series: bars(leaky, 'queue_full'),
      },
    ],
  })
  const at2 = (run) => `${run.admitted.count(2, 2.1)} in, ${run.refused.count(2, 2.1)} refused`
  const flood = (run) => Math.round(run.admitted.count(5, 7) / 2)
  return [
    {
      name: 'token-bucket',
      svg,
      numbers: [
        ['token bucket: in the 0.1 s of the burst', at2(token)],
        ['leaky bucket: in the 0.1 s of the burst', at2(leaky)],
        ['admitted per second while 200 arrive', `token ${flood(token)}, leaky ${flood(leaky)}`],
        ['most in any 0.1 s', `token ${most(token)}, leaky ${most(leaky)}`],
        ['longest wait, ms', `token ${Math.round(token.waitedLongest)}, leaky ${Math.round(leaky.waitedLongest)}`],
      ],
    },
  ]
}

function most({ admitted }) {
  return Math.round(Math.max(...admitted.points(END).map(([, rate]) => rate)) * WIDTH)
}
