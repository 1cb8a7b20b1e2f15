import { listOf, objectOf, textOf } from './json-field.ts'
import { usageOf, type Usage } from './usage.ts'

/** What the body of an answer, or one event of a stream, says about itself. */
export interface Answer {
  readonly model: string | undefined
  readonly usage: Usage | undefined
  /** Why it ended, in the words of its dialect: `stop`, `length`, `tool_calls`; `end_turn`, `max_tokens`; `completed`. */
  readonly finish: string | undefined
}

export function readAnswer(body: unknown): Answer {
  const top = objectOf(body)
  const response = objectOf(top?.['response']) ?? objectOf(top?.['message']) ?? top
  return {
    model: textOf(response?.['model']) ?? textOf(response?.['modelVersion']),
    usage: usageOf(body),
    finish: finishOf(body),
  }
}

/** Why an answer ended; undefined while it has not. */
export function finishOf(body: unknown): string | undefined {
  const top = objectOf(body)
  if (top === undefined) return undefined
  for (const choice of [...listOf(top['choices']), ...listOf(top['candidates'])]) {
    const fields = objectOf(choice)
    const reason = textOf(fields?.['finish_reason']) ?? textOf(fields?.['finishReason'])
    if (reason !== undefined) return reason
  }
  const told = objectOf(top['delta']) ?? top
  const reason = textOf(told['stop_reason']) ?? textOf(told['stopReason'])
  if (reason !== undefined) return reason
  const response = objectOf(top['response']) ?? (top['object'] === 'response' ? top : undefined)
  const status = textOf(response?.['status'])
  if (status === undefined || status === 'in_progress' || status === 'queued') return undefined
  return textOf(objectOf(response?.['incomplete_details'])?.['reason']) ?? status
}
