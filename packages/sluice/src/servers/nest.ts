import type { ServerResponse } from 'node:http'
import { RejectedError, type Outcome, type Permit } from '../ground/index.ts'
import type { Gate } from '../gate/index.ts'
import { visitOf } from '../http/index.ts'
import { rawOf, SluiceGates, takesGates, type NestContext, type NestRequest, type NestSettings } from './nest-gates.ts'

export {
  SkipSluice,
  Sluice,
  SluiceGates,
  type NestContext,
  type NestRequest,
  type NestSettings,
  type SluiceDecorator,
} from './nest-gates.ts'

/** The slice of Nest's `CallHandler` and of what it answers. */
export interface NestCallHandler {
  handle(): NestObservable
}

/** The slice of an RxJS observable that is touched. */
export interface NestObservable {
  subscribe(observer: NestObserver): { unsubscribe(): void }
}

/** What an observable tells. */
export interface NestObserver {
  next(value: unknown): void
  error(error: unknown): void
  complete(): void
}

/** What `forRootAsync` takes. */
export interface NestAsyncOptions<Request extends NestRequest = NestRequest> {
  readonly imports?: readonly unknown[]
  readonly inject?: readonly unknown[]
  readonly useFactory: (...injected: never[]) => NestSettings<Request> | Promise<NestSettings<Request>>
}

/** What Nest takes for a module made at run time. */
export interface NestDynamicModule {
  readonly module: SluiceModuleClass
  readonly global: boolean
  readonly imports: never[]
  readonly providers: never[]
  readonly exports: never[]
}

const OPTIONS = 'SLUICE_OPTIONS'

/** A response of whichever platform: Fastify keeps node's own in `raw`. */
interface NestReply {
  readonly raw?: ServerResponse
  hijack?(): void
}

/**
 * Lets a request in before pipes and the handler run. The permit ends with the response, whoever writes it. A refused
 * request is answered here, and nothing that follows hears of it.
 */
export class SluiceGuard {
  readonly #gates: SluiceGates

  constructor(gates: SluiceGates) {
    this.#gates = gates
  }

  canActivate(context: NestContext): true | Promise<true> {
    const entrance = context.getType() === 'http' ? this.#gates.of(context) : undefined
    if (entrance === undefined) return true
    const http = context.switchToHttp()
    const ask = http.getRequest()
    const reply = http.getResponse() as NestReply
    return new Promise((resolve, reject) => {
      try {
        entrance.enter({
          ask,
          req: rawOf(ask),
          res: reply.raw ?? (reply as ServerResponse),
          proceed: () => resolve(true),
          // Answered, or nobody there to answer: whatever waits for this promise is forgotten together with it.
          turnedAway: () => reply.hijack?.(),
        })
      } catch (error) {
        reject(error)
      }
    })
  }
}

/**
 * Knows how a handler ended where its response cannot tell. On HTTP: a handler that fails when its response has begun,
 * which Nest then ends as if nothing had happened. On other transports (microservices, WebSockets) there is no response
 * to watch, so it lets messages in itself: the permit ends when the handler's observable does, and a refusal is an error
 * of that observable, a `RejectedError`.
 */
export class SluiceInterceptor {
  readonly #gates: SluiceGates

  constructor(gates: SluiceGates) {
    this.#gates = gates
  }

  intercept(context: NestContext, next: NestCallHandler): NestObservable {
    if (context.getType() === 'http') return new Watched(context.switchToHttp(), next)
    const gate = this.#gates.of(context)?.gate
    return gate === undefined ? next.handle() : new Admitted(gate, next)
  }
}

/** What is known to RxJS as something that can be subscribed to, whichever copy of it. */
const INTEROP = (Symbol as { readonly observable?: symbol }).observable ?? '@@observable'

/** The observable of a handler that answers HTTP. */
class Watched implements NestObservable {
  readonly #http: ReturnType<NestContext['switchToHttp']>
  readonly #next: NestCallHandler

  constructor(http: ReturnType<NestContext['switchToHttp']>, next: NestCallHandler) {
    this.#http = http
    this.#next = next
    Object.defineProperty(this, INTEROP, { value: () => this })
  }

  subscribe(observer: NestObserver): { unsubscribe(): void } {
    return this.#next.handle().subscribe({
      next: (value) => observer.next(value),
      error: (error) => {
        const reply = this.#http.getResponse() as NestReply
        // Before the headers the status of the answer says more: a 404 is no failure.
        if ((reply.raw ?? (reply as ServerResponse)).headersSent)
          visitOf(rawOf(this.#http.getRequest()))?.end('failure')
        observer.error(error)
      },
      complete: () => observer.complete(),
    })
  }
}

/** The observable of a handler, behind a gate. */
class Admitted implements NestObservable {
  readonly #gate: Gate
  readonly #next: NestCallHandler

  constructor(gate: Gate, next: NestCallHandler) {
    this.#gate = gate
    this.#next = next
    Object.defineProperty(this, INTEROP, { value: () => this })
  }

  subscribe(observer: NestObserver): { unsubscribe(): void } {
    let permit: Permit | undefined
    let inner: { unsubscribe(): void } | undefined
    let left = false
    const end = (outcome: Outcome): void => permit?.release(outcome)
    const waiting = this.#gate.enter({}, (verdict) => {
      if (left) return verdict.admitted ? verdict.release('ignored') : undefined
      if (!verdict.admitted) return observer.error(new RejectedError(verdict))
      permit = verdict
      inner = this.#next.handle().subscribe({
        next: (value) => observer.next(value),
        error: (error) => {
          end('failure')
          observer.error(error)
        },
        complete: () => {
          end('success')
          observer.complete()
        },
      })
    })
    return {
      unsubscribe: () => {
        left = true
        waiting?.cancel()
        end('ignored')
        inner?.unsubscribe()
      },
    }
  }
}

/** What `imports` takes. */
export interface SluiceModuleClass {
  new (): object
  /** @throws RangeError when the application starts, for an option out of range, naming it */
  forRoot<Request extends NestRequest = NestRequest>(options?: NestSettings<Request>): NestDynamicModule
  /** Options that other providers know: `{ inject: [ConfigService], useFactory: (config) => ({ limit: … }) }`. */
  forRootAsync<Request extends NestRequest = NestRequest>(options: NestAsyncOptions<Request>): NestDynamicModule
}

/**
 * Puts a gate in front of every handler: `imports: [SluiceModule.forRoot()]`. `SluiceGates` can be injected: its
 * `common` shows the gate and what came of the requests.
 *
 * Guards run after the body has been parsed. To refuse before that, put `protect()` of `sluice/express` before it, or
 * register `sluice/fastify`; this module then gives handlers gates of their own.
 */
export const SluiceModule: SluiceModuleClass = Object.assign(
  class SluiceModule {
    readonly name = 'sluice'
  },
  {
    forRoot: <Request extends NestRequest>(options: NestSettings<Request> = {}) =>
      moduleOf([], { provide: OPTIONS, useValue: options }),
    forRootAsync: <Request extends NestRequest>({ imports = [], inject = [], useFactory }: NestAsyncOptions<Request>) =>
      moduleOf(imports, { provide: OPTIONS, inject, useFactory }),
  },
)

function moduleOf(imports: readonly unknown[], options: object): NestDynamicModule {
  takesGates(SluiceGuard)
  takesGates(SluiceInterceptor)
  const providers = [
    options,
    { provide: SluiceGates, inject: [OPTIONS], useFactory: (settings: NestSettings) => new SluiceGates(settings) },
    // The names of @nestjs/core for what applies everywhere.
    { provide: 'APP_GUARD', inject: [SluiceGates], useFactory: (gates: SluiceGates) => new SluiceGuard(gates) },
    {
      provide: 'APP_INTERCEPTOR',
      inject: [SluiceGates],
      useFactory: (gates: SluiceGates) => new SluiceInterceptor(gates),
    },
  ]
  return {
    module: SluiceModule,
    global: true,
    imports: imports as never[],
    providers: providers as never[],
    exports: [SluiceGates] as never[],
  }
}
