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
        if (known) ends.push({ arrival, refusedAfter: clock.now() - since })
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
    { label: 'priority, standing: false', discipline: priority({ ...BOUNDS, standing: false }), color: 4 },
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
      'Under lasting overload fifo answers everybody late; lifo, adaptive lifo, codel and a queue that may not stand answer soon those they answer. In bursts fifo serves all, and the others drop some who could have been served.',
    xLabel: 'answered within, ms',
    panels: [
      panel('Load 2×, lasting: % of all arrivals answered', 'lasting'),
      panel('Bursts of 0.5 s at 2.5×, between them 0.6×: % of all arrivals answered', 'burst'),
    ],
  })
  const describe = ({ ends }) => {
    const waited = ends.flatMap((one) => (one.took === undefined ? [] : [one.waited]))
    const refused = ends.flatMap((one) => (one.took === undefined ? [one.refusedAfter] : []))
    const times = [quantile(waited, 0.5), quantile(waited, 0.99), quantile(refused, 0.5)]
    return `${percent(waited.length / ends.length)}, ${times.map((time) => `${Math.round(time)} ms`).join(', ')}`
  }
  return {
    name: 'queues',
    svg,
    numbers: [
      ['', `${'load 2×: served, wait p50, p99, refused after'.padEnd(46)}bursts: the same`],
      ...lines.map((one) => [one.label, `${describe(one.lasting).padEnd(46)}${describe(one.burst)}`]),
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
  // At ten times the load, where the highest class asks for half of what can be done.
  const flooded = (standing) => {
    const { ends } = serve({
      discipline: priority({ ...BOUNDS, standing }),
      rate: () => 10 * CAPACITY,
      end: 32,
      ask: (random) => ({ priority: rankOf(random()) }),
    })
    const served = ends.filter(({ took }) => took !== undefined)
    const ofLowest = served.filter(({ arrival }) => arrival.priority === 0).length / served.length
    const highest = shareOf(ends, ({ arrival }) => arrival.priority === 3)
    const wait = quantile(
      served.map(({ waited }) => waited),
      0.99,
    )
    return `${(100 * highest).toFixed(1)} %, ${(100 * ofLowest).toFixed(1)} %, ${Math.round(wait)} ms`
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
    numbers: [
      ...Object.entries(groups).flatMap(([name, rows]) =>
        rows.map(({ label, values }) => [
          `${label}: fifo, ${name}`,
          values.map((value) => `${(100 * value).toFixed(1)} %`).join(', '),
        ]),
      ),
      ['10×, may stand: highest served, lowest of served, wait p99', flooded(true)],
      ['10×, standing: false', flooded(false)],
    ],
  }
}

function rankOf(chance) {
  if (chance < 0.7) return 0
  if (chance < 0.9) return 1
  return chance < 0.95 ? 2 : 3
}

function shareOf(ends, is) {
  const all = ends.filter(is)
  return all.filter(({ took }) => took !== undefined).length / Math.max(1, all.length)
}
