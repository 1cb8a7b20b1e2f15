import { promptSize } from '../prompt-size.ts'
import { InvalidRequest, sse, type Demand, type Dialect, type End, type Reply } from './dialect.ts'
import { openaiInvalid, openaiRefusal } from './openai-errors.ts'
import { amount, arrayOf, named, objectOf, toolDemand, type Body } from './reading.ts'

/** `POST …/responses`. */
export const openaiResponses: Dialect = {
  contentType: 'text/event-stream; charset=utf-8',
  idHeader: 'x-request-id',

  read: (body, path) => {
    const input = body['input']
    const items = typeof input === 'string' ? [{ role: 'user', content: input }] : input
    if (!Array.isArray(items) || items.length === 0)
      throw new InvalidRequest(400, "Invalid 'input': expected a text or items.", 'input', 'invalid_value')
    const last = objectOf(items.at(-1))
    return {
      model: named(body, path.model),
      size: promptSize(items.length, items, body['instructions'], body['tools'], body['text']),
      maxTokens: amount(body, 'max_output_tokens'),
      tries: 1,
      stream: body['stream'] === true,
      includeUsage: true,
      demand: demandOf(body, last['type'] === 'function_call_output'),
    }
  },

  whole: (reply, end) => response(reply, end),

  stream: (reply) => {
    let sequence = 0
    const event = (type: string, data: object): string => sse({ type, sequence_number: sequence++, ...data }, type)
    const place = { item_id: itemId(reply), output_index: 0 }
    const text = { ...place, content_index: 0 }
    const started = (): object => ({ response: { ...response(reply, undefined), output: [], usage: null } })
    return {
      open: () => {
        const head = event('response.created', started()) + event('response.in_progress', started())
        const added = event('response.output_item.added', { output_index: 0, item: item(reply, undefined) })
        if (reply.tool !== undefined) return head + added
        return head + added + event('response.content_part.added', { ...text, part: part('') })
      },
      tokens: (from, to) => {
        const delta = reply.wording.slice(from, to)
        return reply.tool === undefined
          ? event('response.output_text.delta', { ...text, delta, logprobs: [] })
          : event('response.function_call_arguments.delta', { ...place, delta })
      },
      close: (end) => {
        const whole = reply.wording.slice(0, end.produced)
        const parts =
          reply.tool === undefined
            ? event('response.output_text.done', { ...text, text: whole, logprobs: [] }) +
              event('response.content_part.done', { ...text, part: part(whole) })
            : event('response.function_call_arguments.done', { ...place, name: reply.tool, arguments: whole })
        const done = event('response.output_item.done', { output_index: 0, item: item(reply, end) })
        return parts + done + event(`response.${statusOf(end)}`, { response: response(reply, end) })
      },
      error: () => event('error', { code: 'server_error', message: 'The server had an error.', param: null }),
    }
  },

  refuse: openaiRefusal,
  invalid: openaiInvalid,
}

function demandOf(body: Body, answered: boolean): Demand | undefined {
  const tools = arrayOf(body['tools']).flatMap((tool) => {
    const { type, name, parameters } = objectOf(tool)
    return type === 'function' ? [{ name: String(name), schema: parameters }] : []
  })
  const choice = body['tool_choice']
  const name = objectOf(choice)['name'] as string | undefined
  const tool = toolDemand(tools, { none: choice === 'none', name }, answered)
  if (tool !== undefined) return tool
  const format = objectOf(objectOf(body['text'])['format'])
  if (format['type'] === 'json_object') return { kind: 'json', schema: {} }
  return format['type'] === 'json_schema' ? { kind: 'json', schema: format['schema'] } : undefined
}

function response(reply: Reply, end: End | undefined): object {
  return {
    id: `resp_${reply.id}`,
    object: 'response',
    created_at: Math.floor(reply.created / 1000),
    status: end === undefined ? 'in_progress' : statusOf(end),
    background: false,
    error: null,
    incomplete_details: end?.short === true ? { reason: 'max_output_tokens' } : null,
    instructions: null,
    max_output_tokens: null,
    metadata: {},
    model: reply.model,
    output: end === undefined ? [] : [item(reply, end)],
    parallel_tool_calls: true,
    previous_response_id: null,
    service_tier: 'default',
    store: false,
    temperature: 1,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    truncation: 'disabled',
    usage: end === undefined ? null : usage(reply, end),
  }
}

function statusOf({ short }: End): 'incomplete' | 'completed' {
  return short ? 'incomplete' : 'completed'
}

function itemId({ tool, id }: Reply): string {
  return tool === undefined ? `msg_${id}` : `fc_${id}`
}

function item(reply: Reply, end: End | undefined): object {
  const status = end === undefined ? 'in_progress' : statusOf(end)
  const text = reply.wording.slice(0, end?.produced ?? 0)
  const id = itemId(reply)
  if (reply.tool !== undefined)
    return { id, type: 'function_call', status, call_id: `call_${reply.id}`, name: reply.tool, arguments: text }
  return { id, type: 'message', status, role: 'assistant', content: end === undefined ? [] : [part(text)] }
}

function part(text: string): object {
  return { type: 'output_text', text, annotations: [], logprobs: [] }
}

function usage({ input, cached }: Reply, { produced }: End): object {
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cached },
    output_tokens: produced,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input + produced,
  }
}
