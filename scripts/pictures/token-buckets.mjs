import { tokenBucket, tokenBuckets } from 'sluice'
import { picture } from './chart.mjs'
import { Rate, stack, Stage } from './stage.mjs'

const END = 20
const WIDTH = 0.5
const REQUESTS = { tokens: 10, capacity: 10 }
const TOKENS = { tokens: 4000, capacity: 4000 }
/** The provider allows for a little more at once: what two clocks count is never quite the same. */
const BURST = 1.2
/** An answer that was far longer than estimated, at 5 s: tokens used beyond. */
const OVERUSE = 20_000

/** Nine calls a second for some 50 tokens each, sent once the client's own limit lets them; the provider keeps count too. */
async function call(limitOf) {
  const stage = new Stage(7)
  const { clock, random } = stage
  const limit = limitOf(clock)
  const provider = tokenBuckets({
    buckets: {
      requests: { ...REQUESTS, capacity: REQUESTS.capacity * BURST, takes: 'one' },
      tokens: { ...TOKENS, capacity: TOKENS.capacity * BURST },
    },
    clock,
  })
  const sent = new Rate(stage, WIDTH)
  const refused = new Rate(stage, WIDTH)
  const times = []
  stage.load(
    (time) => (time < 15 ? 9 : 0),
    async () => {
      const tokens = Math.ceil(40 + random() * 20)
      await limit.take(tokens)
      times.push(stage.time)
      if (provider.tryTake({ tokens })) sent.add()
      else refused.add()
    },
  )
  stage.at(5, () => {
    limit.overuse()
    provider.adjust('tokens', -OVERUSE)
  })
  const requests = stage.watch(50, () => limit.requests())
  await stage.playAsync(END)
  return { sent, refused, requests, most: mostIn(1, times) }
}

const together = (clock) => {
  const gate = tokenBuckets({ buckets: { requests: { ...REQUESTS, takes: 'one' }, tokens: TOKENS }, clock })
  return {
    take: (tokens) => gate.take({ tokens }),
    overuse: () => gate.adjust('tokens', -OVERUSE),
    requests: () => gate.status().requests.available,
  }
}

const oneByOne = (clock) => {
  const requests = tokenBucket({ ...REQUESTS, clock })
  const tokens = tokenBucket({ ...TOKENS, clock })
  return {
    take: async (count) => {
      await requests.take()
      await tokens.take(count)
    },
    overuse: () => tokens.tryEnter().release('success', 1 + OVERUSE),
    requests: () => requests.available,
  }
}

/** The most of these times within one stretch. */
function mostIn(length, times) {
  return Math.max(...times.map((from) => times.filter((time) => time >= from && time < from + length).length))
}

export async function draw() {
  const both = await call(together)
  const naive = await call(oneByOne)
  const x = [0, END]
  const counts = ({ sent, refused }) => {
    const [served, turnedAway] = stack([sent, refused], END)
    return [
      { label: 'served', kind: 'bars', points: served, width: WIDTH, color: 0 },
      { label: '429', kind: 'bars', points: turnedAway, width: WIDTH, color: 1 },
    ]
  }
  const rules = [{ at: 10, label: '10/s' }]
  const left = (heading, { requests }) => ({
    heading,
    height: 90,
    x,
    y: [0, 14],
    yTicks: [0, 6, 12],
    series: [{ kind: 'line', points: requests, color: 2 }],
  })
  const calls = (heading, run) => ({
    heading,
    height: 110,
    x,
    y: [0, 80],
    yTicks: [0, 20, 40, 60, 80],
    rules,
    series: counts(run),
  })
  const svg = picture({
    title: 'Requests and tokens taken together, and one after the other',
    description:
      'At five seconds an answer used twenty thousand tokens more than estimated, so for some seconds there are none. Taken together, nobody holds a request meanwhile and the provider refuses nothing afterwards. Taken one after the other, requests are taken while their tokens are waited for, and all sent at once when those come.',
    xLabel: 'time, s',
    panels: [
      left('tokenBuckets: requests left', both),
      calls('Calls per second (stretches of 0.5 s)', both),
      left('One tokenBucket after the other: requests left', naive),
      calls('Calls per second', naive),
    ],
  })
  const numbers = (run) => `served ${run.sent.count()}, 429 ${run.refused.count()}`
  return [
    {
      name: 'token-buckets',
      svg,
      numbers: [
        ['taken together', numbers(both)],
        ['one after the other', numbers(naive)],
        ['most sent in any second, limit 22', `together ${both.most}, one after the other ${naive.most}`],
      ],
    },
  ]
}
