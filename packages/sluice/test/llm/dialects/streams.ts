/** Streams as the providers send them. Each answers what a {@link UsageReader} should have found in it at the end. */
export interface Recorded {
  readonly name: string
  readonly text: string
  readonly usage: object | undefined
  readonly finish: string | undefined
  readonly deltas: number
}

const chunk = (fields: object): string =>
  `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', model: 'gpt-x', ...fields })}\n\n`
const say = (content: string, finish: string | null = null): string =>
  chunk({ choices: [{ index: 0, delta: { content }, finish_reason: finish }], usage: null })
const event = (fields: { readonly type: string }): string =>
  `event: ${fields.type}\ndata: ${JSON.stringify(fields)}\n\n`

const chatUsage = { prompt_tokens: 12, completion_tokens: 4, total_tokens: 16 }
const chatTold = { input: 12, output: 4, total: 16 }

const anthropicStart = event({
  type: 'message_start',
  message: {
    id: 'msg_1',
    role: 'assistant',
    content: [],
    model: 'claude-y',
    stop_reason: null,
    usage: { input_tokens: 25, cache_creation_input_tokens: 5, cache_read_input_tokens: 100, output_tokens: 1 },
  },
} as { type: string })

const responsesUsage = {
  input_tokens: 36,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 87,
  output_tokens_details: { reasoning_tokens: 64 },
  total_tokens: 123,
}

/** A last event of the Responses API that carries the whole answer, of so many characters. */
export function responsesCompleted(length: number): string {
  return event({
    type: 'response.completed',
    sequence_number: 9,
    response: {
      id: 'resp_1',
      object: 'response',
      status: 'completed',
      output: [{ type: 'message', content: [{ type: 'output_text', text: 'é"usage":{}\\ '.repeat(length / 13) }] }],
      usage: responsesUsage,
      metadata: {},
    },
  } as { type: string })
}

export const recorded: readonly Recorded[] = [
  {
    name: 'OpenAI chat',
    text:
      chunk({ choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }] }) +
      say('Grüß') +
      say(' Gott') +
      say(' 你好😀') +
      say('', 'stop') +
      chunk({ choices: [], usage: chatUsage }) +
      'data: [DONE]\n\n',
    usage: chatTold,
    finish: 'stop',
    deltas: 3,
  },
  {
    name: 'OpenAI chat with tools, comments and running totals',
    text:
      ': queued\n\n' +
      chunk({
        choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { name: 'find', arguments: '' } }] } }],
        usage: { prompt_tokens: 12, completion_tokens: 1 },
      }) +
      ': still here\n' +
      chunk({
        choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: '{"a":1}' } }] } }],
        usage: { prompt_tokens: 12, completion_tokens: 2 },
      }) +
      chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] }) +
      chunk({ choices: [], usage: chatUsage }) +
      'data: [DONE]\n\n',
    usage: chatTold,
    finish: 'tool_calls',
    deltas: 2,
  },
  {
    name: 'OpenAI Responses',
    text:
      event({ type: 'response.created', response: { status: 'in_progress', usage: null } } as { type: string }) +
      event({ type: 'response.output_text.delta', delta: 'Hello' } as { type: string }) +
      event({ type: 'response.output_text.delta', delta: ' you' } as { type: string }) +
      responsesCompleted(26),
    usage: { input: 36, output: 87, cacheRead: 0, reasoning: 64, total: 123 },
    finish: 'completed',
    deltas: 2,
  },
  {
    name: 'Anthropic messages',
    text:
      anthropicStart +
      event({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } } as { type: string }) +
      'event: ping\ndata: {"type":"ping"}\n\n' +
      event({ type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Hm' } } as {
        type: string
      }) +
      event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hello there' } } as {
        type: string
      }) +
      event({ type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: '{"a"' } } as {
        type: string
      }) +
      event({ type: 'content_block_stop', index: 0 } as { type: string }) +
      event({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 15 } } as {
        type: string
      }) +
      event({ type: 'message_stop' }),
    usage: { input: 130, output: 15, cacheRead: 100, cacheWrite: 5 },
    finish: 'end_turn',
    deltas: 3,
  },
]
