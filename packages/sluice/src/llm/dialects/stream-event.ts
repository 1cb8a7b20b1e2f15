import { finishOf } from './answer.ts'
import { listOf, objectOf, textOf, type JsonObject } from './json-field.ts'

/** How an event leaves a stream: `open`, at its `end`, or `last` where nothing follows even if the connection stays. */
export type StreamPhase = 'open' | 'last'

const LAST = /^(?:message_stop|response\.(?:completed|incomplete|failed|cancelled)|error)$/

/** What one event of a stream says. */
export interface StreamEvent {
  /** Whether the answer goes on. */
  readonly phase: StreamPhase
  readonly finish: string | undefined
  /** The error it tells, if it is one. */
  readonly error: JsonObject | undefined
}

export function readEvent(event: JsonObject): StreamEvent {
  const type = textOf(event['type'])
  const response = objectOf(event['response'])
  const error = objectOf(event['error']) ?? objectOf(response?.['error'])
  return {
    phase: error !== undefined || (type !== undefined && LAST.test(type)) ? 'last' : 'open',
    finish: finishOf(event),
    error: error ?? (type === 'error' ? event : undefined),
  }
}

/** Gives every piece of the answer that an event carries to `take`: text, thoughts, arguments of tools. */
export function eachDelta(event: JsonObject, take: (text: string) => void): void {
  const { choices, candidates, delta } = event
  if (choices !== undefined) for (const choice of listOf(choices)) chatDelta(objectOf(choice), take)
  else if (typeof delta === 'string') take(delta)
  else if (delta !== undefined) anthropicDelta(objectOf(delta), take)
  else if (candidates !== undefined)
    for (const candidate of listOf(candidates))
      for (const part of listOf(objectOf(objectOf(candidate)?.['content'])?.['parts']))
        give(objectOf(part)?.['text'], take)
}

function chatDelta(choice: JsonObject | undefined, take: (text: string) => void): void {
  // Completions of old say `text` and have no delta.
  const delta = objectOf(choice?.['delta'])
  if (delta === undefined) return give(choice?.['text'], take)
  give(delta['content'], take)
  give(delta['refusal'], take)
  give(delta['reasoning_content'] ?? delta['reasoning'], take)
  give(objectOf(delta['function_call'])?.['arguments'], take)
  for (const call of listOf(delta['tool_calls'])) {
    const called = objectOf(objectOf(call)?.['function'])
    give(called?.['name'], take)
    give(called?.['arguments'], take)
  }
}

function anthropicDelta(delta: JsonObject | undefined, take: (text: string) => void): void {
  give(delta?.['text'] ?? delta?.['thinking'] ?? delta?.['partial_json'], take)
}

function give(text: unknown, take: (text: string) => void): void {
  if (typeof text === 'string' && text !== '') take(text)
}
