import { promptSize } from '../prompt-size.ts'
import type { ProviderRefusal } from '../provider-refusal.ts'
import { sse, type Dialect, type End, type ErrorAnswer, type Reply } from './dialect.ts'
import { amount, arrayOf, list, named, objectOf, toolDemand } from './reading.ts'

/** `POST …/models/NAME:generateContent` and `:streamGenerateContent`. No rate headers; a refusal says all in its body. */
export const gemini: Dialect = {
  contentType: 'text/event-stream',
  idHeader: 'x-request-id',

  read: (body, path) => {
    const contents = list(body, 'contents')
    const config = objectOf(body['generationConfig'])
    const tools = arrayOf(body['tools']).flatMap((group) =>
      arrayOf(objectOf(group)['functionDeclarations']).map((each) => {
        const { name, parameters, parametersJsonSchema } = objectOf(each)
        return { name: String(name), schema: parametersJsonSchema ?? parameters }
      }),
    )
    const calling = objectOf(objectOf(body['toolConfig'])['functionCallingConfig'])
    const answered = arrayOf(contents.at(-1)?.['parts']).some((part) => 'functionResponse' in objectOf(part))
    return {
      model: named(body, path.model),
      size: promptSize(contents.length, contents, body['systemInstruction'], body['tools']),
      maxTokens: amount(config, 'maxOutputTokens'),
      tries: 1,
      stream: path.stream === true,
      includeUsage: true,
      demand: toolDemand(tools, { none: calling['mode'] === 'NONE' }, answered),
    }
  },

  whole: (reply, end) => answer(reply, 0, end.produced, end),

  stream: (reply) => ({
    open: () => '',
    // A call of a function is never told in pieces.
    tokens: (from, to) => (reply.tool === undefined ? sse(answer(reply, from, to)) : ''),
    close: (end) => sse(answer(reply, reply.tool === undefined ? end.produced : 0, end.produced, end)),
    error: () => sse({ error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' } }),
  }),

  refuse,
  invalid: ({ status, message }) =>
    error(status, message, status === 404 ? 'NOT_FOUND' : status === 401 ? 'UNAUTHENTICATED' : 'INVALID_ARGUMENT'),
}

function refuse({ reason, about, wait }: ProviderRefusal, model: string): ErrorAnswer {
  if (reason === 'overloaded' || reason === 'flex') return error(503, 'The model is overloaded.', 'UNAVAILABLE')
  if (reason === 'server-error') return error(500, 'An internal error has occurred.', 'INTERNAL')
  const details: unknown[] = []
  // What no waiting cures shows as a quota of nothing.
  const limit = reason === 'spend' ? 0 : about && Math.floor(about.limit)
  if (about !== undefined) {
    const what = about.dimension.startsWith('requests') ? 'Requests' : 'InputTokens'
    const period = about.dimension.endsWith('-day') ? 'PerDay' : 'PerMinute'
    const quotaId = `Generate${what}PerModel${period}`
    const violation = { quotaId, quotaDimensions: { model }, quotaValue: String(limit) }
    details.push({ '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations: [violation] })
  }
  if (wait !== undefined)
    details.push({ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${Math.ceil(wait / 1000)}s` })
  const message = `You exceeded your current quota.${limit === undefined ? '' : ` limit: ${limit}`}`
  return error(429, message, 'RESOURCE_EXHAUSTED', details)
}

function error(code: number, message: string, status: string, details?: readonly unknown[]): ErrorAnswer {
  return { status: code, body: { error: { code, message, status, ...(details && { details }) } } }
}

function answer({ tool, wording, ...reply }: Reply, from: number, to: number, end?: End): object {
  const text = wording.slice(from, to)
  const whole =
    tool === undefined ? { text } : { functionCall: { name: tool, args: end?.short ? {} : JSON.parse(text) } }
  const finishReason = end && (end.short ? 'MAX_TOKENS' : 'STOP')
  const { input, cached } = reply
  return {
    candidates: [{ content: { role: 'model', parts: [whole] }, index: 0, ...(finishReason && { finishReason }) }],
    usageMetadata: {
      promptTokenCount: input,
      candidatesTokenCount: to,
      totalTokenCount: input + to,
      ...(cached > 0 && { cachedContentTokenCount: cached }),
    },
    modelVersion: reply.model,
    responseId: reply.id,
  }
}
