import { DIMENSIONS } from '../dimension.ts'
import { promptSize } from '../prompt-size.ts'
import type { ProviderRefusal } from '../provider-refusal.ts'
import { InvalidRequest, sse, type Demand, type Dialect, type End, type ErrorAnswer, type Reply } from './dialect.ts'
import { amount, arrayOf, list, named, objectOf, toolDemand, type Body } from './reading.ts'

/** `POST …/v1/messages`. */
export const anthropicMessages: Dialect = {
  contentType: 'text/event-stream; charset=utf-8',
  idHeader: 'request-id',

  read: (body, path) => {
    const messages = list(body, 'messages')
    const maxTokens = amount(body, 'max_tokens')
    if (maxTokens === undefined && !path.counts) throw new InvalidRequest(400, 'max_tokens: Field required')
    return {
      model: named(body, path.model),
      size: promptSize(messages.length, messages, body['system'], body['tools']),
      maxTokens,
      tries: 1,
      stream: body['stream'] === true,
      includeUsage: true,
      demand: demandOf(body, messages.at(-1)),
    }
  },

  whole: (reply, end) => ({
    ...frame(reply),
    content: [block(reply, end)],
    stop_reason: stopReason(reply, end),
    usage: usage(reply, end.produced),
  }),

  stream: (reply) => {
    const event = (type: string, data: object): string => sse({ type, ...data }, type)
    const opened =
      reply.tool === undefined
        ? { type: 'text', text: '' }
        : { type: 'tool_use', id: `toolu_${reply.id}`, name: reply.tool, input: {} }
    return {
      open: () =>
        event('message_start', { message: { ...frame(reply), usage: usage(reply, 1) } }) +
        event('content_block_start', { index: 0, content_block: opened }) +
        event('ping', {}),
      tokens: (from, to) => {
        const text = reply.wording.slice(from, to)
        const delta =
          reply.tool === undefined ? { type: 'text_delta', text } : { type: 'input_json_delta', partial_json: text }
        return event('content_block_delta', { index: 0, delta })
      },
      close: (end) =>
        event('content_block_stop', { index: 0 }) +
        event('message_delta', {
          delta: { stop_reason: stopReason(reply, end), stop_sequence: null },
          usage: { output_tokens: end.produced },
        }) +
        event('message_stop', {}),
      error: () => event('error', { error: { type: 'overloaded_error', message: 'Overloaded' } }),
    }
  },

  refuse: (refusal, model) => refuse(refusal, model),
  invalid: ({ status, message }) => error(status, status === 404 ? 'not_found_error' : typeOf(status), message),
}

function demandOf(body: Body, last: Body | undefined): Demand | undefined {
  const tools = arrayOf(body['tools']).map((tool) => {
    const { name, input_schema: schema } = objectOf(tool)
    return { name: String(name), schema }
  })
  const { type, name } = objectOf(body['tool_choice'])
  const answered = arrayOf(last?.['content']).some((each) => objectOf(each)['type'] === 'tool_result')
  const tool = toolDemand(tools, { none: type === 'none', name: name as string | undefined }, answered)
  if (tool !== undefined) return tool
  const format = objectOf(objectOf(body['output_config'])['format'] ?? body['output_format'])
  return format['type'] === 'json_schema' ? { kind: 'json', schema: format['schema'] } : undefined
}

function refuse({ reason, about }: ProviderRefusal, model: string): ErrorAnswer {
  if (about !== undefined) {
    const limit = `${about.limit.toLocaleString('en-US')} ${DIMENSIONS[about.dimension].plain}`
    return error(
      429,
      'rate_limit_error',
      `This request would exceed your organization's rate limit of ${limit} (model: ${model}).`,
    )
  }
  switch (reason) {
    case 'spend':
      return error(
        429,
        'rate_limit_error',
        'enforced_spend_limit_reached: your organization has reached its spend limit.',
      )
    case 'slow-down':
      return error(429, 'rate_limit_error', 'Your usage increased too fast (acceleration limit). Ramp up gradually.')
    case 'concurrency':
      return error(429, 'rate_limit_error', 'Number of concurrent connections has exceeded your rate limit.')
    case 'flex':
    case 'overloaded':
      return error(529, 'overloaded_error', 'Overloaded')
    default:
      return error(500, 'api_error', 'Internal server error')
  }
}

function typeOf(status: number): string {
  if (status === 401) return 'authentication_error'
  return status === 413 ? 'request_too_large' : 'invalid_request_error'
}

function error(status: number, type: string, message: string): ErrorAnswer {
  return { status, body: { type: 'error', error: { type, message } } }
}

function frame({ id, model }: Reply): object {
  const open = { stop_reason: null, stop_sequence: null }
  return { id: `msg_${id}`, type: 'message', role: 'assistant', model, content: [], ...open }
}

function block({ tool, wording, id }: Reply, { produced }: End): object {
  const text = wording.slice(0, produced)
  if (tool === undefined) return { type: 'text', text }
  return { type: 'tool_use', id: `toolu_${id}`, name: tool, input: parsed(text) }
}

/** Arguments cut short by `max_tokens` are no JSON; what came is lost, as it is with the provider. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}

function stopReason({ tool }: Reply, { short }: End): string {
  if (short) return 'max_tokens'
  return tool === undefined ? 'end_turn' : 'tool_use'
}

function usage({ input, cached, cacheWrite }: Reply, output: number): object {
  return {
    input_tokens: input - cached - cacheWrite,
    cache_creation_input_tokens: cacheWrite,
    cache_read_input_tokens: cached,
    output_tokens: output,
    service_tier: 'standard',
  }
}
