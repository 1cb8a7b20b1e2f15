import { adaptiveLifo, codel, earliestDeadline, fair, fifo, lifo, priority, semaphore } from 'sluice'
import { percent, shares } from './bars.mjs'
import { picture } from './chart.mjs'
import { quantile, spread, Stage } from './stage.mjs'

/** 20 permits × 50 ms: a fixed limit, so that only the discipline differs. */
const CAPACITY = 400
const BOUNDS = { capacity: 1000, maxWait: 1000 }

/** Offers load to a discipline; `ask` makes arrivals. Each ends as `{ arrival, took }`, without `took` when refused. */
function serve({ discipline, rate, end, ask }) {
  const stage = new Stage(13)
  const { clock, random } = stage
  const gate = semaphore({ permits: 20, queue: discipline, clock })
  const work = spread(random, 50)
  const ends = []
  const codes = new Map()
  stage.load(rate, () => {
    const since = clock.now()
    const arrival = ask(random, since)
    const known = stage.time >= 2
    gate.enter(arrival, (verdict) => {
      if (!verdict.admitted) {
        codes.set(verdict.code, (codes.get(verdict.code) ?? 0) + 1)
        if (known) ends.push({ arrival })
        return
      }
      clock.after(work(), () => {
        verdict.release('success')
        if (known) ends.push({ arrival, took: clock.now() - since, waited: verdict.waited })
      })
    })
  })
  stage.play(end)
  return { ends, codes }
}

export function draw() {
  return [waits(), classes()]
}

function waits() {
  const lines = [
    { label: 'fifo', discipline: fifo(BOUNDS), color: 1 },
    { label: 'lifo', discipline: lifo(BOUNDS), color: 5 },
    { label: 'adaptiveLifo', discipline: adaptiveLifo(BOUNDS), color: 0, dash: true },
    { label: 'codel', discipline: codel(BOUNDS), color: 2 },
    { label: 'fifo, maxWait 150', discipline: fifo({ capacity: 1000, maxWait: 150 }), color: 3, dash: true },
  ].map((one) => {
    const lasting = serve({ discipline: one.discipline, rate: () => 2 * CAPACITY, end: 32, ask: () => ({}) })
    const burst = serve({
      discipline: one.discipline,
      rate: (time) => CAPACITY * (time % 5 < 0.5 ? 2.5 : 0.6),
      end: 32,
      ask: () => ({}),
    })
    return { ...one, lasting, burst }
  })
  const curve = ({ ends }) => {
    const took = ends.flatMap((one) => (one.took === undefined ? [] : [one.took])).toSorted((a, b) => a - b)
    let at = 0
    return Array.from({ length: 121 }, (_, step) => {
      while (at < took.length && took[at] <= step * 10) at++
      return [step * 10, (100 * at) / ends.length]
    })
  }
  const panel = (heading, name) => ({
    heading,
    height: 150,
    x: [0, 1200],
    y: [0, 100],
    yTicks: [0, 25, 50, 75, 100],
    series: lines.map((one) => ({
      label: one.label,
      kind: 'line',
      points: curve(one[name]),
      color: one.color,
      dash: one.dash,
    })),
  })
  const svg = picture({
    title: 'Queues before 20 permits × 50 ms: how soon arrivals are answered',
    description:
      'Under lasting overload fifo answers everybody late, lifo, adaptive lifo and codel answer those they answer soon. In bursts all but lifo and codel treat everybody alike.',
    xLabel: 'answered within, ms',
    panels: [
      panel('Load 2×, lasting: % of all arrivals answered', 'lasting'),
      panel('Bursts of 0.5 s at 2.5×, between them 0.6×: % of all arrivals answered', 'burst'),
    ],
  })
  const describe = ({ ends }) => {
    const waited = ends.flatMap((one) => (one.took === undefined ? [] : [one.waited]))
    return `${percent(waited.length / ends.length)}, ${[0.5, 0.99].map((q) => `${Math.round(quantile(waited, q))} ms`).join(', ')}`
  }
  return {
    name: 'queues',
    svg,
    numbers: [
      ['', 'load 2×: served, wait p50, p99   bursts: served, wait p50, p99'],
      ...lines.map((one) => [one.label, `${describe(one.lasting).padEnd(33)}${describe(one.burst)}`]),
    ],
  }
}

const QUEUE = { capacity: 100, maxWait: 500 }

function classes() {
  const byPriority = (discipline) => {
    const { ends } = serve({
      discipline,
      rate: () => 2 * CAPACITY,
      end: 32,
      ask: (random) => ({ priority: Math.floor(random() * 4) }),
    })
    return [0, 1, 2, 3].map((rank) => shareOf(ends, ({ arrival }) => arrival.priority === rank))
  }
  const byFlow = (discipline) => {
    const { ends } = serve({
      discipline,
      rate: () => 4 * CAPACITY,
      end: 32,
      ask: (random) => ({ flow: random() < 0.9 ? 'flood' : `quiet ${Math.floor(random() * 8)}` }),
    })
    return [(flow) => flow !== 'flood', (flow) => flow === 'flood'].map((is) =>
      shareOf(ends, ({ arrival }) => is(arrival.flow)),
    )
  }
  // What they have time for differs: half are in a hurry.
  const inTime = (discipline, times) => {
    const { ends } = serve({
      discipline,
      rate: () => times * CAPACITY,
      end: 62,
      ask: (random, now) => ({ deadline: now + (random() < 0.5 ? 150 : 600), since: now }),
    })
    const good = ends.filter(({ arrival, took }) => took !== undefined && arrival.since + took <= arrival.deadline)
    return good.length / ends.length
  }
  const [plain, ranked] = [fifo(QUEUE), priority(QUEUE)].map(byPriority)
  const [mixed, even] = [fifo(QUEUE), fair(QUEUE)].map(byFlow)
  const loads = [0.98, 2]
  const edf = loads.map((times) => [inTime(fifo(QUEUE), times), inTime(earliestDeadline(QUEUE), times)])
  const pair = (other) => [
    { label: 'fifo', color: 5 },
    { label: other, color: 0 },
  ]
  const groups = {
    priority: [3, 2, 1, 0].map((rank) => ({ label: `priority ${rank}`, values: [plain[rank], ranked[rank]] })),
    fair: ['eight quiet flows', 'the flood'].map((label, at) => ({ label, values: [mixed[at], even[at]] })),
    earliestDeadline: loads.map((times, at) => ({ label: `load ${times}×`, values: edf[at] })),
  }
  const svg = picture({
    title: 'Whom a queue prefers: 20 permits × 50 ms, 100 places',
    description:
      'Priority serves the important, fair serves quiet flows beside a flood, earliest deadline serves more in time while load is bearable and fewer when it is not.',
    panels: [
      shares({
        heading: 'priority, load 2×, four classes alike: served',
        series: pair('priority'),
        groups: groups.priority,
      }),
      shares({
        heading: 'fair, load 4×, nine in ten from one flow: served',
        series: pair('fair'),
        groups: groups.fair,
      }),
      shares({
        heading: 'earliestDeadline, half have 150 ms and half 600 ms: answered in time',
        series: pair('earliestDeadline'),
        groups: groups.earliestDeadline,
      }),
    ],
  })
  return {
    name: 'queues-preferred',
    svg,
    numbers: Object.entries(groups).flatMap(([name, rows]) =>
      rows.map(({ label, values }) => [
        `${label}: fifo, ${name}`,
        values.map((value) => `${(100 * value).toFixed(1)} %`).join(', '),
      ]),
    ),
  }
}

function shareOf(ends, is) {
  const all = ends.filter(is)
  return all.filter(({ took }) => took !== undefined).length / Math.max(1, all.length)
}
