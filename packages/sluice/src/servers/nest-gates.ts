import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Reader } from '../http/index.ts'
import type { NodeEntrance } from './node-entrance.ts'
import { nodeReader } from './node-reader.ts'
import { entranceBeside, entranceOf, type NodeSettings } from './node-settings.ts'

/** A request of whichever platform Nest runs on: Express hands out node's own, Fastify keeps it in `raw`. */
export interface NestRequest {
  readonly raw?: IncomingMessage
  readonly headers: IncomingHttpHeaders
}

/** The slice of Nest's `ExecutionContext` that is touched. */
export interface NestContext {
  getType(): string
  getClass(): object
  getHandler(): object
  switchToHttp(): { getRequest(): NestRequest; getResponse(): object }
}

/** What a class or a method may have of its own, by {@link Sluice}. `Request` is that of the platform. */
export interface NestSettings<Request extends NestRequest = NestRequest> extends NodeSettings<Request> {}

const SETTINGS = 'sluice:settings'

/** The slice of reflect-metadata, which every Nest application loads. */
interface Metadata {
  defineMetadata(key: string, value: unknown, target: object): void
  getMetadata(key: string, target: object): unknown
}

const metadata = Reflect as unknown as Metadata

/** Decorates a class or a method. */
export type SluiceDecorator = (target: object, name?: string | symbol, descriptor?: PropertyDescriptor) => void

function mark(settings: object | false): SluiceDecorator {
  return (target, _name, descriptor) => {
    metadata.defineMetadata(SETTINGS, settings, (descriptor?.value as object | undefined) ?? target)
  }
}

/**
 * Settings of a controller's or a handler's own: `@Sluice({ lane: 'low' })`, `@Sluice({ limit: 2 })` (a gate of its own
 * instead of the common one). Those of a handler go before those of its class: `@Sluice()` brings one back to the common
 * gate whose class is skipped.
 * @throws RangeError where the class is declared, for an option out of range, naming it
 */
export function Sluice<Request extends NestRequest = NestRequest>(
  settings: NestSettings<Request> = {},
): SluiceDecorator {
  // For what it says about the options: which gate is the common one is known only when a request comes.
  entranceOf(settings, reader)
  return mark(settings)
}

/** Never meets the gate. */
export function SkipSluice(): SluiceDecorator {
  return mark(false)
}

const reader: Reader<NestRequest> = {
  method: (request) => nodeReader.method(rawOf(request)),
  target: (request) => nodeReader.target(rawOf(request)),
  header: (request, name) => nodeReader.header(rawOf(request), name),
  peer: (request) => nodeReader.peer(rawOf(request)),
}

/** The request as node:http has it. */
export function rawOf(request: NestRequest): IncomingMessage {
  return request.raw ?? (request as IncomingMessage)
}

/** Finds the gate of a handler: its own, that of its class, or the common one. */
export class SluiceGates {
  readonly common: NodeEntrance<NestRequest>
  readonly #options: NestSettings
  readonly #own = new WeakMap<object, NodeEntrance<NestRequest>>()

  /** @throws RangeError for an option out of range, naming it */
  constructor(options: NestSettings = {}) {
    this.#options = options
    this.common = entranceOf(options, reader)
  }

  /** `undefined` where the handler goes round the gate. */
  of(context: NestContext): NodeEntrance<NestRequest> | undefined {
    const settings =
      metadata.getMetadata(SETTINGS, context.getHandler()) ?? metadata.getMetadata(SETTINGS, context.getClass())
    if (settings === false) return undefined
    if (settings === undefined) return this.common
    let own = this.#own.get(settings as object)
    if (own === undefined) {
      own = entranceBeside(this.#options, this.common, settings as NestSettings, reader)
      this.#own.set(settings as object, own)
    }
    return own
  }
}

/**
 * Tells Nest what a class is made with, as a compiler of decorators would: for `@UseGuards(SluiceGuard)` and the like. A
 * module that is made before Nest is loaded does without.
 */
export function takesGates(target: object): void {
  if ('defineMetadata' in Reflect) metadata.defineMetadata('design:paramtypes', [SluiceGates], target)
}
