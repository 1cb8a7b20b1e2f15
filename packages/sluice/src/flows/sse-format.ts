import { checkWhole, refuseValue } from '../ground/index.ts'
import type { Format } from './frame.ts'

/** A server-sent event. */
export interface SseEvent {
  /** A string, of one line or many, or anything else as JSON. Without it the browser learns `id` and `retry` only. */
  readonly data?: unknown
  /** The name listeners know it by; one line. Default: `message`. */
  readonly event?: string
  /** What a browser that comes back says it has seen last; one line, no NUL. */
  readonly id?: string | number
  /** How long the browser is to wait before it comes back, in ms. A whole number. */
  readonly retry?: number
}

/** A string is an event with that data. */
export type SseMessage = string | SseEvent

/** A line break of any kind would end the field and begin one of somebody else's making. */
const LINE_BREAK = /\r\n|\r|\n/
// eslint-disable-next-line no-control-regex -- browsers ignore an id with a NUL in it
const NOT_IN_ID = /[\r\n\0]/

/** `text/event-stream`, as the HTML standard frames it. */
export function encodeSse(message: SseMessage): string {
  if (typeof message === 'string') return `${dataLines(message)}\n`
  const { data, event, id, retry } = message
  let lines = ''
  if (event !== undefined) {
    if (LINE_BREAK.test(event)) refuseValue('sse.event', event, 'a single line')
    lines += `event: ${event}\n`
  }
  if (id !== undefined) {
    if (NOT_IN_ID.test(String(id))) refuseValue('sse.id', id, 'a single line without NUL')
    lines += `id: ${id}\n`
  }
  if (retry !== undefined) lines += `retry: ${checkWhole('sse.retry', retry, 0)}\n`
  if (data !== undefined) lines += dataLines(typeof data === 'string' ? data : jsonOf('sse.data', data))
  return `${lines}\n`
}

function dataLines(text: string): string {
  if (!LINE_BREAK.test(text)) return `data: ${text}\n`
  return text
    .split(LINE_BREAK)
    .map((line) => `data: ${line}\n`)
    .join('')
}

/** @throws RangeError for what JSON has no word for: `undefined`, functions, symbols */
export function jsonOf(field: string, value: unknown): string {
  const text = JSON.stringify(value) as string | undefined
  return text ?? refuseValue(field, value, 'something JSON can say')
}

const PLAIN: Format<SseMessage> = { encode: encodeSse }

/**
 * A format of server-sent events. Make one for all readers of a kind, not one for each: those that share it share the
 * bytes.
 * @param toEvent what event a message becomes
 */
export function sseFormat(): Format<SseMessage>
export function sseFormat<T>(toEvent: (message: T) => SseMessage): Format<T>
export function sseFormat<T>(toEvent?: (message: T) => SseMessage): Format<T> | Format<SseMessage> {
  return toEvent === undefined ? PLAIN : { encode: (message: T) => encodeSse(toEvent(message)) }
}
