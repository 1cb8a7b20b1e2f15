// A server that refuses as it is told, and official clients of it.
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { systemWallClock } from '../../src/ground/index.ts'
import { dialectOf } from '../../src/llm/dialects/dialect.ts'
import { nativeError, type NativeRefusal } from '../../src/llm/dialects/native-error.ts'
import { serving } from './loopback.ts'

/** How the server answers the request that came so many-th. */
export type Answer = (request: IncomingMessage, response: ServerResponse, turn: number) => void

/** Runs `prove` against a server that answers so, with the clients and the instants requests came at. */
export async function against(
  answer: Answer,
  options: { readonly maxRetries?: number },
  prove: (openai: OpenAI, anthropic: Anthropic, came: readonly number[]) => Promise<void>,
): Promise<void> {
  const came: number[] = []
  const server = createServer((request, response) => {
    came.push(performance.now())
    request.resume()
    request.once('end', () => answer(request, response, came.length))
  })
  await serving(server, async (port) => {
    const baseURL = `http://127.0.0.1:${port}`
    await prove(
      new OpenAI({ apiKey: 'none', baseURL: `${baseURL}/v1`, ...options }),
      new Anthropic({ apiKey: 'none', baseURL, ...options }),
      came,
    )
  })
}

export function refusing(refusal: NativeRefusal): Answer {
  return (request, response) => {
    const { status, headers, body } = nativeError(dialectOf(request.url ?? '') ?? 'generic', refusal, systemWallClock())
    for (const [name, value] of headers) response.setHeader(name, value)
    response.writeHead(status).end(body)
  }
}

export const messages: { readonly role: 'user'; readonly content: string }[] = [{ role: 'user', content: 'hello' }]
export const chat = (client: OpenAI): Promise<unknown> => client.chat.completions.create({ model: 'gpt-x', messages })
export const respond = (client: OpenAI): Promise<unknown> => client.responses.create({ model: 'gpt-x', input: 'hello' })
export const ask = (client: Anthropic): Promise<unknown> =>
  client.messages.create({ model: 'claude-y', max_tokens: 10, messages })

export async function errorOf<E extends Error>(
  run: Promise<unknown>,
  kind: abstract new (...all: never[]) => E,
): Promise<E> {
  const error = await run.then(
    () => assert.fail('it should have failed'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof kind, String(error))
  return error
}
