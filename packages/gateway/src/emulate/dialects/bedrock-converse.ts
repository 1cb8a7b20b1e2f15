import { promptSize } from '../prompt-size.ts'
import type { ProviderRefusal } from '../provider-refusal.ts'
import type { Dialect, ErrorAnswer } from './dialect.ts'
import { amount, arrayOf, list, named, objectOf, toolDemand } from './reading.ts'

/** `POST /model/NAME/converse`, which is never a stream. No rate headers. */
export const bedrockConverse: Dialect = {
  contentType: 'application/json',
  idHeader: 'x-amzn-requestid',

  read: (body, path) => {
    const messages = list(body, 'messages')
    const config = objectOf(body['toolConfig'])
    const tools = arrayOf(config['tools']).map((tool) => {
      const { name, inputSchema } = objectOf(objectOf(tool)['toolSpec'])
      return { name: String(name), schema: objectOf(inputSchema)['json'] }
    })
    const answered = arrayOf(messages.at(-1)?.['content']).some((part) => 'toolResult' in objectOf(part))
    return {
      model: named(body, path.model),
      size: promptSize(messages.length, messages, body['system'], config['tools']),
      maxTokens: amount(objectOf(body['inferenceConfig']), 'maxTokens'),
      tries: 1,
      stream: false,
      includeUsage: true,
      demand: toolDemand(tools, {}, answered),
    }
  },

  whole: ({ tool, wording, id, input, cached, cacheWrite }, { produced, short }) => {
    const text = wording.slice(0, produced)
    const part =
      tool === undefined ? { text } : { toolUse: { toolUseId: id, name: tool, input: short ? {} : JSON.parse(text) } }
    return {
      output: { message: { role: 'assistant', content: [part] } },
      stopReason: short ? 'max_tokens' : tool === undefined ? 'end_turn' : 'tool_use',
      usage: {
        inputTokens: input - cached - cacheWrite,
        outputTokens: produced,
        totalTokens: input + produced,
        cacheReadInputTokens: cached,
        cacheWriteInputTokens: cacheWrite,
      },
      metrics: { latencyMs: 1 },
    }
  },

  stream: () => {
    throw new Error('converse is never a stream')
  },

  refuse: ({ reason }: ProviderRefusal) => {
    switch (reason) {
      case 'overloaded':
      case 'flex':
        return error(529, 'overloaded_error', 'Overloaded')
      case 'server-error':
        return error(500, 'InternalServerException', 'The server had an error.')
      default: {
        const what = reason.startsWith('requests') || reason === 'concurrency' ? 'requests' : 'tokens'
        return error(429, 'ThrottlingException', `Too many ${what}, please wait before trying again.`)
      }
    }
  },
  invalid: ({ status, message }) => error(status, 'ValidationException', message),
}

function error(status: number, type: string, message: string): ErrorAnswer {
  return { status, body: { message }, headers: { 'x-amzn-errortype': type } }
}
