import { promptSize } from '../prompt-size.ts'
import { InvalidRequest, sse, type Demand, type Dialect, type End, type Reply } from './dialect.ts'
import { openaiInvalid, openaiRefusal } from './openai-errors.ts'
import { amount, arrayOf, list, named, objectOf, toolDemand, type Body } from './reading.ts'

/** `POST …/chat/completions`. */
export const openaiChat: Dialect = {
  contentType: 'text/event-stream; charset=utf-8',
  idHeader: 'x-request-id',

  read: (body, path) => {
    const messages = list(body, 'messages')
    if (body['n'] !== undefined && body['n'] !== null && body['n'] !== 1)
      throw new InvalidRequest(400, "Invalid 'n': only 1 is emulated.", 'n', 'invalid_value')
    return {
      model: named(body, path.model),
      size: promptSize(messages.length, messages, body['tools'], body['response_format']),
      maxTokens: amount(body, 'max_completion_tokens', 'max_tokens'),
      tries: amount(body, 'best_of') ?? 1,
      stream: body['stream'] === true,
      includeUsage: objectOf(body['stream_options'])['include_usage'] === true,
      demand: demandOf(body, messages.at(-1)?.['role'] === 'tool'),
    }
  },

  whole: (reply, end) => ({
    ...frame(reply, 'chat.completion'),
    choices: [{ index: 0, message: message(reply, end), logprobs: null, finish_reason: finish(reply, end) }],
    usage: usage(reply, end),
  }),

  stream: (reply) => {
    const chunk = (delta: unknown, finish_reason: string | null = null): string =>
      sse({
        ...frame(reply, 'chat.completion.chunk'),
        choices: [{ index: 0, delta, logprobs: null, finish_reason }],
        ...(reply.includeUsage && { usage: null }),
      })
    const call = (part: unknown): unknown => ({ tool_calls: [{ index: 0, ...(part as object) }] })
    return {
      open: () =>
        reply.tool === undefined
          ? chunk({ role: 'assistant', content: '', refusal: null })
          : chunk({
              role: 'assistant',
              content: null,
              ...(call({
                id: callId(reply),
                type: 'function',
                function: { name: reply.tool, arguments: '' },
              }) as object),
            }),
      tokens: (from, to) => {
        const text = reply.wording.slice(from, to)
        return chunk(reply.tool === undefined ? { content: text } : call({ function: { arguments: text } }))
      },
      close: (end) => {
        const last = chunk({}, finish(reply, end))
        const counted = sse({ ...frame(reply, 'chat.completion.chunk'), choices: [], usage: usage(reply, end) })
        return `${last}${reply.includeUsage ? counted : ''}data: [DONE]\n\n`
      },
      error: () =>
        sse({
          error: { message: 'The server had an error.', type: 'server_error', param: null, code: 'server_error' },
        }),
    }
  },

  refuse: openaiRefusal,
  invalid: openaiInvalid,
}

function demandOf(body: Body, answered: boolean): Demand | undefined {
  const tools = arrayOf(body['tools']).map((tool) => {
    const { name, parameters } = objectOf(objectOf(tool)['function'])
    return { name: String(name), schema: parameters }
  })
  const choice = body['tool_choice']
  const name = objectOf(objectOf(choice)['function'])['name']
  const tool = toolDemand(tools, { none: choice === 'none', name: name as string | undefined }, answered)
  if (tool !== undefined) return tool
  const format = objectOf(body['response_format'])
  if (format['type'] === 'json_object') return { kind: 'json', schema: {} }
  return format['type'] === 'json_schema'
    ? { kind: 'json', schema: objectOf(format['json_schema'])['schema'] }
    : undefined
}

function frame(reply: Reply, object: string): object {
  const created = Math.floor(reply.created / 1000)
  return { id: `chatcmpl-${reply.id}`, object, created, model: reply.model, service_tier: 'default' }
}

function message({ tool, wording, ...reply }: Reply, { produced }: End): object {
  const text = wording.slice(0, produced)
  if (tool === undefined) return { role: 'assistant', content: text, refusal: null, annotations: [] }
  const call = { id: callId(reply), type: 'function', function: { name: tool, arguments: text } }
  return { role: 'assistant', content: null, refusal: null, tool_calls: [call] }
}

function callId({ id }: Pick<Reply, 'id'>): string {
  return `call_${id}`
}

function finish({ tool }: Reply, { short }: End): string {
  if (short) return 'length'
  return tool === undefined ? 'stop' : 'tool_calls'
}

function usage({ input, cached }: Reply, { produced }: End): object {
  return {
    prompt_tokens: input,
    completion_tokens: produced,
    total_tokens: input + produced,
    prompt_tokens_details: { cached_tokens: cached, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}
