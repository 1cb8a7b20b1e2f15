// Four layers in one process, in virtual time: quotas per client and address, an inference queue, the model server, and a
// provider of tokens behind it that runs dry.
import {
  isRejection,
  keyed,
  priority,
  semaphore,
  series,
  shedder,
  tokenBucket,
  worst,
  type Gate,
  type Pressure,
  type Priority,
  type Signal,
} from '../../src/index.ts'
import { seeded, type Millis } from '../../src/ground/index.ts'
import {
  llmPool,
  pressureLink,
  provider,
  type LinkState,
  type LlmPool,
  type PressureLink,
} from '../../src/llm/index.ts'
import { ProviderModel, type Call } from './provider-model.ts'
import { StepClock } from './step-clock.ts'

const MODEL = 'm'
const CALL: Call = { input: 100, cached: 0, maxOutput: 100, output: 100 }
/** From a client's call to the provider and back, in ms. */
const ROUND_TRIP: Millis = 40
const WORK: Millis = 100

/** Who is refused where. Index 0 is the outermost layer. */
export const LAYERS = ['quotas', 'door', 'queue', 'model'] as const
export type LayerName = (typeof LAYERS)[number]

/** What happened to one arrival. */
export interface Seen {
  /** When it came, in seconds since the beginning. */
  readonly at: number
  readonly priority: Priority
  /** The layer that refused it; `done` where nobody did; `late` where the pool or the provider did in the end. */
  readonly fate: LayerName | 'done' | 'late'
  readonly took: Millis
}

export interface LayersRun {
  readonly seen: readonly Seen[]
  /** When the provider refused, in seconds. */
  readonly refusals: readonly number[]
  /** Every 100 ms. */
  readonly points: readonly {
    readonly at: number
    /** Of the pool at the bottom. */
    readonly pressure: number
    /** What the door goes by. */
    readonly door: number
    readonly queued: number
    readonly inflight: number
    readonly link: LinkState
  }[]
  readonly link: PressureLink
}

export interface LayersOptions {
  /** False: the door is told nothing of what is below it. Default true. */
  readonly hears?: boolean
  /** Arrivals a second. Default 60. */
  readonly rate?: number
  /** When, in seconds, somebody else uses up the provider's tokens and those of so many more seconds. Default at 10, 4. */
  readonly event?: { readonly at: number; readonly seconds: number }
  /** In seconds. Default 40. */
  readonly length?: number
}

/** Nobody ever says anything. */
const SILENT: Signal<Pressure> = {
  value: { level: 0, cause: 'nobody' },
  subscribe: () => ({ [Symbol.dispose]: () => {} }),
}

/** How much of its room a gate's queue takes: pressure by what waits, not by what runs. */
function fillOf(gate: Gate, room: number): Signal<Pressure> {
  return {
    get value() {
      return { level: gate.stats.queued / room, cause: gate.name }
    },
    subscribe: (listener) =>
      gate.pressure.subscribe(() => listener({ level: gate.stats.queued / room, cause: gate.name })),
  }
}

interface Layers {
  readonly gate: Gate
  readonly door: Signal<Pressure>
  readonly queue: Gate
  readonly link: PressureLink
}

const ROOM = 60

/** The composition itself: the outermost gate first. */
function layersOver(pool: LlmPool, clock: StepClock, hears: boolean): Layers {
  const quota = (name: string, tokens: number): Gate => tokenBucket({ tokens, per: 1000, name, clock })
  const model = semaphore({ permits: 8, name: 'model', clock, queue: priority({ capacity: 8, maxWait: 10_000 }) })
  const queue = semaphore({ permits: 12, name: 'queue', clock, queue: priority({ capacity: ROOM, maxWait: 10_000 }) })
  const below = worst(fillOf(queue, ROOM), pool.pressure)
  const door = hears ? below : SILENT
  const link = pressureLink({
    name: 'door>queue',
    pressure: below,
    thresholds: [1, 1, 1.2, Infinity],
    grace: 500,
    clock,
  })
  return {
    door,
    queue,
    link,
    gate: series(
      keyed(
        ({ flow = '' }) => flow.slice(0, flow.indexOf('@')),
        () => quota('client', 20),
      ),
      keyed(
        ({ flow = '' }) => flow.slice(flow.indexOf('@') + 1),
        () => quota('address', 40),
      ),
      shedder({ name: 'door', pressure: door, thresholds: [0.5, 0.8, 1.2, 2] }),
      link,
      shedder({ name: 'queue', pressure: hears ? pool.pressure : SILENT, thresholds: [1, 1, 1.4, Infinity] }),
      queue,
      shedder({ name: 'model', pressure: hears ? pool.pressure : SILENT, thresholds: [1.2, 1.2, 1.4, Infinity] }),
      model,
    ),
  }
}

/** Whose refusal it is. */
const LAYER: Readonly<Record<string, LayerName>> = {
  client: 'quotas',
  address: 'quotas',
  door: 'door',
  queue: 'queue',
  model: 'model',
}

/** Plays it. Every layer, the pool and its buckets are those that ship. */
export async function playLayers(options: LayersOptions = {}): Promise<LayersRun> {
  const { hears = true, rate = 60, event = { at: 10, seconds: 4 }, length = 40 } = options
  const clock = new StepClock()
  const random = seeded(7)
  const began = clock.now()
  const time = (): number => (clock.now() - began) / 1000
  const truth = new ProviderModel(clock, {
    requests: { limit: 4800, counts: 'one', header: 'requests', window: 6000, named: 'requests per min (RPM)' },
  })
  // Six seconds of the limit can be used at once, and the pool knows it.
  const profile = provider.openai({ model: MODEL, rpm: 1 }).profile
  const pool = llmPool({
    limits: [
      provider.custom(
        { ...profile, budgets: { requests: { ...profile.budgets.requests!, window: 6000 } } },
        { model: MODEL, rpm: 4800 },
      ),
    ],
    queue: { max: 20, maxWait: 10_000 },
    clock,
    random,
    wall: () => clock.now(),
  })
  const { gate, door, queue, link } = layersOver(pool, clock, hears)
  const seen: Seen[] = []
  const refusals: number[] = []
  const points: LayersRun['points'][number][] = []

  const call = async (): Promise<void> => {
    await pool.run(
      { model: MODEL, input: CALL.input, maxOutput: CALL.maxOutput },
      async (lease) => {
        await clock.sleep(ROUND_TRIP / 2)
        const { status, headers, body } = truth.arrive(CALL)
        await clock.sleep(ROUND_TRIP / 2)
        if (status !== 200) {
          refusals.push(time())
          throw Object.assign(new Error('refused'), { status, headers, body })
        }
        lease.heard(headers)
        await clock.sleep(WORK - ROUND_TRIP)
      },
      { attempts: 5 },
    )
  }
  const arrive = async (flow: string, rank: Priority): Promise<void> => {
    const at = time()
    let fate: Seen['fate'] = 'done'
    const entered = await gate.acquire({ flow, priority: rank }).catch((error: unknown) => error)
    if (entered instanceof Error) fate = layerOf(entered)
    else {
      const permit = entered as Awaited<ReturnType<Gate['acquire']>>
      try {
        await call()
        permit.release('success')
      } catch {
        fate = 'late'
        permit.release('dropped')
      }
    }
    seen.push({ at, priority: rank, fate, took: (time() - at) * 1000 })
  }
  const load = async (): Promise<void> => {
    for (let count = 0; time() < length; count++) {
      const rank = ([0, 1, 2, 2, 3] as const)[count % 5]!
      void arrive(`client${count % 6}@10.0.0.${count % 3}`, rank)
      await clock.sleep((-Math.log(1 - random()) * 1000) / rate)
    }
  }
  // One that asks for more than its share.
  const greedy = async (): Promise<void> => {
    await clock.sleep(25_000)
    while (time() < 30) {
      void arrive('greedy@10.0.0.9', 2)
      await clock.sleep(25)
    }
  }
  const watch = async (): Promise<void> => {
    for (;;) {
      const { inflight } = pool.status()[0]!
      points.push({
        at: time(),
        pressure: pool.pressure.value.level,
        door: door.value.level,
        queued: queue.stats.queued,
        inflight,
        link: link.state.value,
      })
      await clock.sleep(100)
    }
  }
  void load()
  void greedy()
  void watch()
  await clock.pass(event.at * 1000)
  const bucket = truth.bucket('requests')
  // Somebody else with the same key.
  bucket.used = (bucket.limit / 60) * (6 + event.seconds)
  await clock.pass((length - event.at) * 1000)
  return { seen, refusals, points, link }
}

function layerOf(error: Error): LayerName {
  const rejection: unknown = (error as { rejection?: unknown }).rejection
  const layer = isRejection(rejection) ? LAYER[rejection.gate] : undefined
  if (layer === undefined) throw error
  return layer
}
