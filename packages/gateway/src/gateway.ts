import type { Server } from 'node:http'
import {
  defineGate,
  Rejection,
  tally,
  worst,
  type Gate,
  type GateCore,
  type Millis,
  type Observer,
  type Tally,
} from 'sluice'
import { drain, type Drained } from 'sluice/node'
import type { Registry } from 'prom-client'
import { admin, backpressureReport, registryOf } from './admin/index.ts'
import { Assembly, Succession, type Surroundings } from './assembly/index.ts'
import { configText, redacted, simplePlan, type GatewayPlan, type Plan } from './config/index.ts'
import { Controls } from './control/index.ts'
import { dataServer } from './data-server.ts'
import type { MachineStore } from './workers/index.ts'
import {
  collect,
  loadOf,
  Recorder,
  StateWatch,
  type Phase,
  type Second,
  type Snapshot,
  type Tick,
} from './live/index.ts'
import { listen, portOf, shut } from './listening.ts'
import { LoadReadiness } from './readiness/index.ts'
import { keepPace, ProxyCounts, screen, writeAnswers, type ProxyStats } from './proxy/index.ts'
import type { Visitor } from './routing/index.ts'
import { identityOf, SecureServer } from './tls/index.ts'
import { refuseTunnels } from './tunnel.ts'
import { listenForUpgrades, Tunnels } from './websocket/index.ts'

export { ListenError } from './listening.ts'

export interface GatewayOptions {
  /** Where everything goes, for instance `http://127.0.0.1:3000`. Either this or a `config`. */
  readonly upstream?: string | URL
  /** The whole plan, as a file and flags have made it. What else is said here, save `reload` and `file`, is not looked at. */
  readonly config?: GatewayPlan
  /** Reads the plan again, for `POST /control/reload`. Default: nothing can be read again. */
  readonly reload?: () => Promise<GatewayPlan>
  /** What the plan was read from, for people. */
  readonly file?: string
  /** Begins to end the process, for `POST /control/drain`. Default: only who started the gateway may. */
  readonly onDrain?: () => void
  /** Told what was ordered on the admin port, and when the state becomes another one, a line each. Default: nobody. */
  readonly say?: (line: string) => void
  /**
   * What several processes share, of which this is one: the admin port, and saying when a second is over, are the first
   * one's then. Default: this is the only one.
   */
  readonly machine?: MachineStore
  /** Address of the data port. Default `127.0.0.1`. */
  readonly host?: string
  /** The data port; 0 takes any free one. Default 0. */
  readonly port?: number
  /** The admin port, on loopback; 0 takes any free one. Default 0. */
  readonly adminPort?: number
  /**
   * How long nothing at all may move on a connection with a request on it, in ms; a client that stops reading keeps
   * its permit no longer. Should exceed `headersTimeout`. 0: for ever. Default 300,000, or twice `headersTimeout` where
   * that is more.
   */
  readonly clientTimeout?: Millis
  /** Whose `host` the upstream sees. Default `client`. */
  readonly hostHeader?: 'client' | 'upstream'
  /** Believe what clients say in `forwarded` and `x-forwarded-*`. Default false. */
  readonly trustForwarded?: boolean
  /** For the upstream to accept a connection, in ms. Above 0. Default 5,000. */
  readonly connectTimeout?: Millis
  /** From a request to the head of its answer, in ms. Above 0. Default 60,000. Kept to within a second. */
  readonly headersTimeout?: Millis
  /** Between two pieces of an answer, in ms; waiting for the client is not counted. 0: no bound. Default 300,000. */
  readonly bodyTimeout?: Millis
  /** False: no gate, whatever the plan. Default true. */
  readonly protect?: boolean
  /** How admission is decided. Default: a limit that finds itself. */
  readonly plan?: Plan
}

/** What came of a new plan. */
export interface Reloaded {
  /** What the plan says of the ports, which stay as they are until a restart. */
  readonly waiting: readonly string[]
  /** The hash of the plan in force. */
  readonly hash: string
}

/** A running gateway. */
export interface Gateway {
  readonly port: number
  /** 0 where it is one of several processes. */
  readonly adminPort: number
  /** What `/metrics` tells. */
  readonly registry: Registry
  /** All gates of the plan in force together; `undefined` where everybody is let in. */
  readonly gate: Gate | undefined
  readonly tally: Tally
  readonly proxy: ProxyStats
  /** The plan in force. */
  readonly plan: GatewayPlan
  /** Requests in progress and waiting: what would be lost by ending now. */
  readonly pending: number
  /** Everything there is to show. */
  snapshot(): Snapshot
  /** The last whole second, once there is one. */
  tick(): Tick | undefined
  /** Ends the present second, and returns it. For whoever adds several processes up. */
  second(): Second
  /**
   * Takes a plan over: what it does not change goes on with its state, requests under way end under the plan they came
   * under, and either all of it comes into force or nothing. Calls follow one another.
   * @throws ConfigProblems and other errors; then the plan in force stays
   */
  reload(plan: GatewayPlan): Promise<Reloaded>
  /**
   * Requirement S1.10: turns unready, takes no new connections, and serves what has come, then closes.
   * @param within in ms; what has not ended by then is cut off
   */
  drain(within: Millis): Promise<Drained>
  /** Ends everything at once. Idempotent. */
  close(): Promise<void>
}

/**
 * Starts a gateway: a data port that passes requests through gates to upstreams, and an admin port.
 * @throws ListenError when a port cannot be had, ConfigProblems for a plan that cannot be carried out; then nothing is
 * left running
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { say = (): void => {} } = options
  let phase: Phase = 'starting'
  let loads = 1
  const counts = tally()
  const proxied = new ProxyCounts(() => phase === 'draining')
  const recorder = new Recorder()
  const tunnels = new Tunnels(proxied)
  const around: Surroundings = {
    counts: proxied,
    tunnels,
    machine: options.machine,
    recorder,
    observer: together(
      counts,
      recorder.observer((arrival) => arrival as Visitor),
    ),
    moved: (limit) => ({
      limitChanged(from, to, reason) {
        counts.limitChanged?.(from, to, reason)
        recorder.moved({ at: Date.now(), limit, from, to, reason })
      },
    }),
  }
  const first = planOf(options)
  const identity = first.listen.tls && (await identityOf(first.listen.tls))
  const succession = new Succession(await Assembly.of(first, undefined, around))
  recorder.start(() => loadOf(succession.current), options.machine === undefined)
  const load = new LoadReadiness({ refusals: () => recorder.refusals })
  const watch = new StateWatch({ state: snapshot, say })
  // Of several processes the first one judges, for all.
  if (options.machine === undefined) {
    load.follow(first)
    load.start()
    watch.start()
  }
  const whole = wholeGate(succession)
  const gate = (): Gate | undefined =>
    succession.current.routes.some((route) => route.gate !== undefined) ? whole : undefined
  const data = serve()
  const { adminHost } = first.listen
  const controls = new Controls({
    plan: first,
    apply: takeOver,
    read: options.reload,
    drain: options.onDrain,
    audit: say,
  })
  const registry = registryOf(
    gate,
    counts,
    proxied,
    snapshot,
    () => recorder.counted,
    () => succession.current.parts.door?.status,
  )
  const control = admin({
    metrics: registry,
    report: () => backpressureReport(gate(), counts, proxied),
    phase: () => phase,
    causes: () => load.causes,
    snapshot,
    config: () => redacted(succession.current.plan),
    file: () => configText(controls.plan),
    token: () => succession.current.plan.listen.adminToken,
    open: !/^(localhost|::1|127\.)/.test(adminHost),
    controls: controls.commands,
    audit: say,
    tick,
  })

  function serve(): Server {
    const server = dataServer(
      identity,
      first.listen.h2c,
      screen((req, res) => succession.current.handle(req, res)),
    )
    server.timeout = clientTimeoutOf(first)
    writeAnswers(server, () => succession.current.plan.refusals)
    server.on(
      'checkContinue',
      screen((req, res) => succession.current.handleContinue(req, res)),
    )
    refuseTunnels(server)
    listenForUpgrades(
      server,
      screen((req, res) => succession.current.handle(req, res)),
    )
    keepPace(server, {
      pace: () => succession.current.plan.listen.bodyPace,
      crowded: () => isCrowded(loadOf(succession.current)),
    })
    // Answers that do not come from the upstream end their connection too.
    server.prependListener('request', (_req, res) => {
      if (phase === 'draining') res.shouldKeepAlive = false
    })
    return server
  }

  function snapshot(): Snapshot {
    return collect({
      assembly: succession.current,
      recorder,
      phase,
      loads,
      file: options.file,
      orders: controls.orders,
    })
  }

  function tick(): Tick | undefined {
    return recorder.history.at(-1)
  }

  async function close(): Promise<void> {
    phase = 'draining'
    controls.close()
    whole.close()
    recorder.stop()
    load.stop()
    watch.stop()
    tunnels.close()
    await Promise.all([shut(data), shut(control), succession.close()])
  }

  async function takeOver(next: GatewayPlan): Promise<Reloaded> {
    const { host, port, adminPort, tls: before } = succession.current.plan.listen
    const isSwitched = (next.listen.tls === undefined) !== (before === undefined)
    // Read also where the files are the same: what is in them may not be.
    const renewed = isSwitched || next.listen.tls === undefined ? undefined : await identityOf(next.listen.tls)
    const waiting = (['host', 'port', 'adminHost', 'adminPort'] as const)
      .filter((field) => next.listen[field] !== succession.current.plan.listen[field])
      .map((field) => `listen.${field}`)
    if (isSwitched) waiting.push('listen.tls')
    const { h2c } = succession.current.plan.listen
    if (next.listen.h2c !== h2c) waiting.push('listen.h2c')
    const listen = { ...next.listen, host, port, h2c, adminHost, adminPort, tls: isSwitched ? before : next.listen.tls }
    const assembly = await Assembly.of({ ...next, listen }, succession.current, around)
    if (renewed !== undefined && data instanceof SecureServer) data.present(renewed)
    succession.succeed(assembly)
    data.timeout = clientTimeoutOf(next)
    if (options.machine === undefined) load.follow(next)
    loads++
    return { waiting, hash: assembly.hash }
  }

  try {
    // Health can be asked before anything is served.
    if (options.machine === undefined) await listen(control, first.listen.adminPort, adminHost, true)
    await listen(data, first.listen.port, first.listen.host, false)
  } catch (error) {
    await close()
    throw error
  }
  phase = 'ready'
  const pending = (): number => proxied.active + loadOf(succession.current).queued

  return {
    port: portOf(data),
    adminPort: options.machine === undefined ? portOf(control) : 0,
    registry,
    get gate() {
      return gate()
    },
    tally: counts,
    proxy: proxied,
    get plan() {
      return succession.current.plan
    },
    get pending() {
      return pending()
    },
    snapshot,
    tick,
    second: () => recorder.tick(),
    reload: (next) => controls.take(next),
    async drain(within) {
      phase = 'draining'
      tunnels.goAway()
      const drained = await drain(data, whole, { within, pending })
      await close()
      return drained
    },
    close,
  }
}

function planOf(options: GatewayOptions): GatewayPlan {
  const { config, upstream, plan, protect = true } = options
  if (config !== undefined) return config
  const { host = '127.0.0.1', port = 0, adminPort = 0, hostHeader, trustForwarded, headersTimeout } = options
  const made = simplePlan(new URL(upstream ?? '').origin, protect ? plan : { kind: 'off' }, {
    host,
    port,
    adminPort,
    ...(hostHeader !== undefined && { hostHeader }),
    ...(trustForwarded !== undefined && { trustForwarded }),
    ...(headersTimeout !== undefined && { headersTimeout }),
  })
  const { connectTimeout, bodyTimeout, clientTimeout } = options
  const only = made.upstreams['default']!
  const timeouts = {
    ...only.timeouts,
    ...(connectTimeout !== undefined && { connect: connectTimeout }),
    ...(bodyTimeout !== undefined && { body: bodyTimeout }),
  }
  return {
    ...made,
    listen: { ...made.listen, clientTimeout },
    upstreams: { default: { ...only, timeouts } },
  }
}

/** Whoever came now would wait, or be turned away. */
function isCrowded({ queued, inflight, limit }: ReturnType<typeof loadOf>): boolean {
  return queued > 0 || (limit > 0 && inflight >= limit)
}

function clientTimeoutOf({ listen, upstreams }: GatewayPlan): Millis {
  const longest = Math.max(...Object.values(upstreams).map(({ timeouts }) => timeouts.headers))
  return listen.clientTimeout ?? Math.max(300_000, 2 * longest)
}

/** Both hear everything. */
function together(a: Observer, b: Observer): Observer {
  return {
    waiting: (arrival) => a.waiting?.(arrival),
    admitted(arrival, waited) {
      a.admitted?.(arrival, waited)
      b.admitted?.(arrival, waited)
    },
    rejected(arrival, rejection) {
      a.rejected?.(arrival, rejection)
      b.rejected?.(arrival, rejection)
    },
    released(arrival, outcome) {
      a.released?.(arrival, outcome)
      b.released?.(arrival, outcome)
    },
  }
}

/** The gates of whichever plan is in force, as one: to be read, and to be closed. */
function wholeGate(succession: Succession): Gate {
  const gates = (): readonly Gate[] => succession.current.routes.flatMap(({ gate }) => gate ?? [])
  const core: GateCore = {
    name: 'gateway',
    get stats() {
      return loadOf(succession.current)
    },
    pressure: {
      get value() {
        return worst(...gates().map(({ pressure }) => pressure)).value
      },
      subscribe: (listener) => worst(...gates().map(({ pressure }) => pressure)).subscribe(listener),
    },
    // Nobody enters here: each route has its own.
    enter: () => new Rejection('closed', 'gateway', 1, 0),
    shut: () => gates().forEach(({ core: part }) => part.shut?.()),
    close: () => gates().forEach((gate) => gate.close()),
  }
  return defineGate(core)
}
