import { refuseValue } from '../ground/index.ts'
import type { PushAnswer } from './stream.ts'

/** What an observable tells. */
export interface PushObserver<T> {
  next(item: T): void
  error(error: unknown): void
  complete(): void
}

/** An observable: of RxJS, of another library, or of the platform. */
export interface Subscribable<T> {
  subscribe(observer: PushObserver<T>, options?: { readonly signal: AbortSignal }): unknown
  // Never called: the overloads of `subscribe` in RxJS hide from the compiler what its items are.
  forEach?(next: (item: T) => void): unknown
}

/** Something that can be seen as an observable, through `Symbol.observable`. */
export interface Observables<T> {
  readonly '@@observable'?: () => Subscribable<T>
}

type Listener = (item: unknown) => void

/** Anything with events: Node's `EventEmitter`, an `EventTarget`, or what is like them. */
export type Emitter =
  | { on(event: string, listener: Listener): unknown; off(event: string, listener: Listener): unknown }
  | {
      addEventListener(event: string, listener: Listener): unknown
      removeEventListener(event: string, listener: Listener): unknown
    }

/** A function that begins to push when it is called, and returns what ends that. */
export type PushFunction<T> = (
  push: (item: T) => PushAnswer,
  close: () => void,
  fail: (error: unknown) => void,
) => (() => void) | void

/** Which events of an emitter mean what. */
export interface EventNames {
  /** Its first argument is an item. */
  readonly event: string
  /** There will be no more. Default: none. */
  readonly endEvent?: string
  /** Its first argument is an error, which ends it. Default `error`. */
  readonly errorEvent?: string
}

/** What a source pushes into. */
export interface Sink<T> {
  push(item: T): PushAnswer
  close(): void
  fail(error: unknown): void
}

/**
 * Subscribes a sink to whatever pushes.
 * @returns what ends the subscription
 * @throws RangeError when that is no source; whatever it throws itself
 */
export function subscribeTo<T>(source: unknown, events: Partial<EventNames>, sink: Sink<T>): () => void {
  if (events.event !== undefined && emits(source)) return listenTo(source, events.event, events, sink)
  if (typeof source === 'function')
    return (
      (source as PushFunction<T>)(
        (item) => sink.push(item),
        () => sink.close(),
        (error) => sink.fail(error),
      ) ?? ((): void => {})
    )
  const observable = observableOf<T>(source)
  if (observable === undefined)
    return refuseValue('fromPush.source', source, 'a function, an observable, or an emitter and the name of an event')
  return observe(observable, sink)
}

function emits(source: unknown): source is Emitter {
  if ((typeof source !== 'object' && typeof source !== 'function') || source === null) return false
  const { on, addEventListener = on } = source as { readonly on?: unknown; readonly addEventListener?: unknown }
  return typeof addEventListener === 'function'
}

function observe<T>(observable: Subscribable<T>, sink: Sink<T>): () => void {
  // Observables of the platform are left by a signal; all others answer a subscription and ignore this.
  const leaving = new AbortController()
  const observer: PushObserver<T> = {
    next: (item) => void sink.push(item),
    error: (error) => sink.fail(error),
    complete: () => sink.close(),
  }
  const subscription = observable.subscribe(observer, { signal: leaving.signal })
  return () => {
    leaving.abort()
    if (typeof subscription === 'function') subscription()
    else (subscription as { unsubscribe?(): void } | undefined)?.unsubscribe?.()
  }
}

function observableOf<T>(source: unknown): Subscribable<T> | undefined {
  if ((typeof source !== 'object' && typeof source !== 'function') || source === null) return undefined
  const symbol = (Symbol as { readonly observable?: symbol }).observable
  const fields = source as Record<PropertyKey, unknown>
  // Libraries that were loaded before the symbol existed use the name.
  const interop = (symbol === undefined ? undefined : fields[symbol]) ?? fields['@@observable']
  if (typeof interop === 'function') return interop.call(source) as Subscribable<T>
  return typeof fields['subscribe'] === 'function' ? (source as Subscribable<T>) : undefined
}

function listenTo<T>(emitter: Emitter, event: string, names: Partial<EventNames>, sink: Sink<T>): () => void {
  const { endEvent, errorEvent = 'error' } = names
  const listeners: (readonly [event: string, listener: Listener])[] = [
    [event, (item) => void sink.push(item as T)],
    [errorEvent, (error) => sink.fail(error)],
  ]
  if (endEvent !== undefined) listeners.push([endEvent, () => sink.close()])
  const leave = (): void => {
    for (const [name, listener] of listeners) {
      if ('removeEventListener' in emitter) emitter.removeEventListener(name, listener)
      else emitter.off(name, listener)
    }
  }
  try {
    for (const [name, listener] of listeners) {
      if ('addEventListener' in emitter) emitter.addEventListener(name, listener)
      else emitter.on(name, listener)
    }
  } catch (error) {
    try {
      leave()
    } catch {
      // Why it cannot be subscribed to says more than why it cannot be left.
    }
    throw error
  }
  return leave
}
