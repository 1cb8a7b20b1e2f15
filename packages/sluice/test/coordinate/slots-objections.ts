import type { Priority } from '../../src/index.ts'
import { CALM, FOUL, LEASE, play, type Account, type Play, type SlotLibrary, type Work } from './slots-unruly.ts'

const ORDERS = ['share', 'strict'] as const

/** Each invariant of a fleet's slots: what there is against a library, or nothing. */
export const INVARIANTS: Readonly<Record<string, (library: SlotLibrary, seed: number) => Promise<string | undefined>>> =
  {
    'never over the limit, everybody is answered, counters are true, all is used when it is over': async (
      library,
      seed,
    ) => {
      for (const order of ORDERS) {
        const found = over(await play(library, { ...storm(seed), order }), storm(seed).limit)
        if (found !== undefined) return `${order}: ${found}`
      }
      return undefined
    },
    'some need several slots: never over, none starves, all is given back': async (library, seed) => {
      for (const order of ORDERS) {
        const arrival = (loop: number): { cost: number } => ({ cost: loop === 0 ? 5 : 1 })
        const account = await play(library, { ...storm(seed), order, arrival })
        const found = over(account, storm(seed).limit, 0.5)
        if (found !== undefined) return `${order}: ${found}`
        const wide = account.works.filter(({ cost }) => cost === 5)
        const waits = wide.map(({ asked, from }) => from - asked)
        // Whoever is next is next: some twelve others before it, five at a time.
        if (wide.length < 8 || Math.max(...waits) > 4000)
          return `${order}: ${wide.length} wide ones, ${Math.max(...waits)} ms`
      }
      return undefined
    },
    'fences only rise': async (library, seed) => {
      const { works } = await play(library, { ...storm(seed), order: 'share', limit: 1 })
      let last: Work | undefined
      for (const work of works) {
        if (last !== undefined && last.instance !== work.instance && work.fence <= last.fence)
          return `${work.fence} after ${last.fence}`
        if (last !== undefined && work.fence < last.fence) return `${work.fence} after ${last.fence}`
        last = work
      }
      return works.length > 20 ? undefined : `only ${works.length} works`
    },
    'strict order is never turned round': async (library, seed) => {
      const calm = { ...storm(seed), order: 'strict', weather: { ...CALM, least: 1, most: 1 }, foul: 0 } as const
      const arrival: Play['arrival'] = (loop, instance) => ({ priority: loop === 0 && instance === 0 ? 3 : 2 })
      const { works } = await play(library, { ...calm, arrival })
      return inversion(works, 8)
    },
    'tenants get their parts by weight': async (library, seed) => {
      const weights = { a: 3, b: 1, c: 2 }
      // Of one tenant at one instance, of another at all; one that asks for much, and one for less.
      const arrival: Play['arrival'] = (loop, instance) => ({
        flow: instance === 0 ? 'abc'[loop % 3]! : instance === 1 ? 'b' : 'bc'[loop % 2]!,
      })
      const calm = {
        ...storm(seed),
        order: 'share',
        limit: 4,
        weather: CALM,
        foul: 0,
        duration: 6000,
        loops: 24,
      } as const
      for (const instances of [3, 1]) {
        const { works } = await play(library, { ...calm, instances, hold: [10, 10], arrival, options: { weights } })
        const [from, to] = [5000 + 1000, 5000 + 6000]
        const use = (flow: string): number => used(works, from, to, (work) => work.flow === flow)
        const all = use('a') + use('b') + use('c')
        for (const [flow, weight] of Object.entries(weights)) {
          const part = use(flow) / all / (weight / 6)
          if (!(part > 0.9 && part < 1.1)) return `${instances}: ${flow} gets ${part} of its part`
        }
      }
      return undefined
    },
    'of a class all instances have what a better class leaves': async (library, seed) => {
      const calm = { ...storm(seed), order: 'share', limit: 8, weather: CALM, foul: 0, duration: 6000 } as const
      // The better class takes six of eight for good, at an instance that wants nothing else or as well.
      for (const loops of [6, 12]) {
        const arrival: Play['arrival'] = (loop, instance) =>
          instance === 0 && loop < 6 ? { priority: 3, lasts: loops === 6 ? 80 : 8000 } : { priority: 2 }
        const { works, peak } = await play(library, { ...calm, loops, arrival })
        if (peak > 8) return `${peak} of 8 in use`
        const [one, two] = [1, 2].map((instance) => works.filter((work) => work.instance === instance).length)
        if (Math.min(one!, two!) < 0.7 * Math.max(one!, two!)) return `${loops} loops: ${one} and ${two}`
      }
      return undefined
    },
    'classes get their shares everywhere, and lend what they do not use': async (library, seed) => {
      const shares = [0.1, 0, 0.4, 0.5] as const
      const classes: Play['arrival'] = (loop, instance) => ({
        priority: ([[3], [2, 0], [0]] as const)[instance]![loop % 2] ?? 3,
      })
      const foul = await play(library, { ...storm(seed), order: 'share', arrival: classes, options: { shares } })
      const found = over(foul, storm(seed).limit, 0.8)
      if (found !== undefined) return found
      const calm = {
        ...storm(seed),
        order: 'share',
        limit: 4,
        weather: CALM,
        foul: 0,
        duration: 5000,
        loops: 24,
      } as const
      // What the loops of each instance want.
      const places: readonly (readonly (readonly (0 | 2 | 3)[])[])[] = [
        [[3], [2], [0]],
        [[3, 2, 0]],
        [[3, 0], [2]],
        [[2], [0]],
      ]
      for (const wanted of places) {
        const all = [3, 2, 0].filter((priority) => wanted.flat().includes(priority as 0 | 2 | 3))
        const arrival: Play['arrival'] = (loop, instance) => {
          const mine = wanted[instance]!
          return { priority: mine[loop % mine.length]! }
        }
        const instances = wanted.length
        const { works } = await play(library, { ...calm, instances, hold: [10, 10], arrival, options: { shares } })
        const over = 1 - all.reduce((sum, priority) => sum + shares[priority]!, 0)
        for (const priority of all) {
          const part = used(works, 6000, 10_000, (work) => work.priority === priority) / used(works, 6000, 10_000)
          const due = shares[priority]! + (priority === all[0] ? over : 0)
          if (!(Math.abs(part / due - 1) < 0.1)) return `${JSON.stringify(wanted)}: ${priority} has ${part}, not ${due}`
        }
      }
      return undefined
    },
    'a class takes back what it lent, wherever it comes': async (library, seed) => {
      const calm = {
        ...storm(seed),
        order: 'share',
        limit: 4,
        weather: CALM,
        foul: 0,
        duration: 4000,
        loops: 16,
      } as const
      // The better class is there in every other second, at one instance; the lower one always, at all.
      const arrival: Play['arrival'] = (_loop, instance, _random, at) =>
        instance === 0 && Math.floor(at / 1000) % 2 === 1 ? { priority: 3 } : { priority: 0 }
      const shares = [0.1, 0, 0.4, 0.5] as const
      const { works } = await play(library, {
        ...calm,
        instances: 2,
        hold: [10, 10],
        arrival,
        options: { shares, capacity: 100 },
      })
      const better = works.filter(({ priority }) => priority === 3)
      const waits = better.map(({ asked, from }) => from - asked)
      const first = better.find(({ asked }) => asked >= 7000)
      if (first === undefined || first.from - first.asked > 25)
        return `the first had to wait ${first?.from} - ${first?.asked}`
      if (Math.max(...waits) > 200) return `one had to wait ${Math.max(...waits)}`
      for (const [from, due] of [
        [6000, 1],
        [7000, 0.1],
      ] as const) {
        const part =
          used(works, from + 300, from + 800, ({ priority }) => priority === 0) / used(works, from + 300, from + 800)
        if (!(Math.abs(part / due - 1) < 0.15)) return `from ${from} on the lower one has ${part}, not ${due}`
      }
      return undefined
    },
    'never over the limit, everybody is answered, counters are true, where messages are lost and members killed all the time':
      async (library, seed) => {
        for (const order of ORDERS) {
          const found = over(await play(library, { ...tempest(seed), order }), tempest(seed).limit, 0.5)
          if (found !== undefined) return `${order}: ${found}`
        }
        return undefined
      },
  }

/** Slots times ms. */
function used(works: readonly Work[], from: number, to: number, which: (work: Work) => boolean = () => true): number {
  return works
    .filter(which)
    .reduce((sum, work) => sum + work.cost * Math.max(0, Math.min(work.to, to) - Math.max(work.from, from)), 0)
}

function storm(seed: number): Omit<Play, 'order'> {
  const wide = { seed, limit: 6, instances: 3, loops: 6, foul: 4000, duration: 4000 + 4 * LEASE, weather: FOUL }
  return { ...wide, hold: [60, 100] }
}

function tempest(seed: number): Omit<Play, 'order'> {
  const worse = { late: 0.15, twice: 0.2, lost: 0.1, kills: 1 / 800, silences: 1 / 500, restarts: 1 / 1500 }
  const many = { limit: 8, instances: 4, loops: 8, hold: [50, 250] } as const
  const arrival: Play['arrival'] = (_loop, _instance, random) => ({
    priority: Math.floor(random() * 4) as Priority,
    cost: random() < 0.1 ? 3 : 1,
    ...(random() < 0.1 ? { lasts: 2500 } : {}),
  })
  return { ...storm(seed), ...many, weather: { ...FOUL, ...worse }, arrival }
}

function over({ asked, answered, peak, mean, held, believed }: Account, limit: number, used = 0.9): string | undefined {
  if (peak > limit) return `${peak} of ${limit} in use`
  if (answered !== asked) return `${asked} asked, ${answered} were answered`
  if (held !== believed) return `${held} held, ${believed} believed`
  if (mean < used * limit) return `${mean} of ${limit} in use when all is well again`
  return undefined
}

/** One that was let in although a better one had been known to wait for longer than a message takes there and back. */
function inversion(works: readonly Work[], slack: number): string | undefined {
  for (const work of works)
    for (const other of works) {
      if (other.from <= work.from || other.asked > work.from - slack) continue
      const better =
        other.priority > work.priority || (other.priority === work.priority && other.asked < work.asked - slack)
      // Granted a moment apart they may have been on the way together.
      if (better && other.from > work.from + slack) return JSON.stringify([work, other])
    }
  return undefined
}
