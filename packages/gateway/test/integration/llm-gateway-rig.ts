// A door to language models in this process, an emulated provider behind it, official SDKs in front.
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import Anthropic from '@anthropic-ai/sdk'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import type { LanguageModel } from 'ai'
import OpenAI from 'openai'
import { systemClock, type Priority } from 'sluice'
import type { LlmPool } from 'sluice/llm'
import { ResponseCache } from '../../src/cache/index.ts'
import { configOf, type LlmConfig } from '../../src/config/index.ts'
import { startEmulator, type Emulator, type EmulatorOptions } from '../../src/emulate/index.ts'
import { LlmDoor, Overflow, ProviderLine, soleMember, type LlmDoorParts } from '../../src/llm/index.ts'
import { ProxyCounts, screen, type Upstream } from '../../src/proxy/index.ts'
import { undiciUpstream } from '../../src/proxy/undici-upstream.ts'

// It has a default for `max_tokens` that depends on the model, and says so.
Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })

export const MODEL = 'm'
export const HELLO: { model: string; max_tokens: number; messages: { role: 'user'; content: string }[] } = {
  model: MODEL,
  max_tokens: 1000,
  messages: [{ role: 'user', content: 'hello there' }],
}

/** The section of a file, with its defaults. */
export function llmConfig(yaml = ''): LlmConfig {
  const text = yaml
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n')
  return configOf('test.yaml', `llm:\n  dialect: openai\n${text}\n`, {}).config.llm!
}

export interface Rig {
  readonly url: string
  readonly port: number
  readonly door: LlmDoor
  readonly server: Server
  readonly emulators: readonly Emulator[]
  /** The first of them. */
  readonly emulator: Emulator
}

export interface RigOptions {
  /** The `llm` section without `dialect`. */
  readonly yaml?: string
  readonly emulators?: readonly EmulatorOptions[]
  readonly pool?: (models: string) => LlmPool
  /** A server of one's own instead of emulators. */
  readonly listener?: RequestListener
  /** Another emulator for those who would wait too long. */
  readonly overflow?: EmulatorOptions
  /** A server for those of them who prefer an answer later. */
  readonly batch?: RequestListener
}

/** Runs `prove` beside a door and its emulators and ends them, whatever comes of it. */
export async function withDoor(options: RigOptions, prove: (rig: Rig) => Promise<void>): Promise<void> {
  const all: Emulator[] = []
  const upstreams: Upstream[] = []
  const start = async (each: EmulatorOptions): Promise<Upstream> => {
    const emulator = await startEmulator({ limits: {}, ...each })
    all.push(emulator)
    const upstream = upstreamOf(emulator.port)
    upstreams.push(upstream)
    return upstream
  }
  for (const each of options.emulators ?? [{}]) await start(each)
  const own = options.listener && createServer(options.listener)
  if (own !== undefined) {
    await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve))
    upstreams.splice(0, 1, upstreamOf((own.address() as AddressInfo).port))
  }
  const config = llmConfig(options.yaml)
  const pool = options.pool?.(MODEL)
  const members = upstreams.map(soleMember)
  const emulators = [...all]
  const line = pool && new ProviderLine({ pool, models: new Set([MODEL]), upstream: upstreams[0]!, clock: systemClock })
  const overflow =
    options.overflow === undefined
      ? undefined
      : new Overflow(await start(options.overflow), config.overflow?.count ?? 4)
  const later = options.batch && createServer(options.batch)
  let batch: Overflow | undefined
  if (later !== undefined) {
    await new Promise<void>((resolve) => later.listen(0, '127.0.0.1', resolve))
    const upstream = upstreamOf((later.address() as AddressInfo).port)
    upstreams.push(upstream)
    batch = new Overflow(upstream, 1)
  }
  const cache = new ResponseCache({ maxBytes: 100_000, maxEntry: 10_000, assume: 0, stale: 0 })
  const { door, server, port } = await startDoor({ config, members, line, overflow, batch, cache })
  try {
    await prove({ url: `http://127.0.0.1:${port}`, port, door, server, emulators, emulator: emulators[0]! })
  } finally {
    door.close()
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeAllConnections()
    await closed
    await Promise.all(upstreams.map((upstream) => upstream.close()))
    later?.closeAllConnections()
    later?.close()
    own?.closeAllConnections()
    own?.close()
    for (const emulator of all) await emulator.close()
    if (pool !== undefined) await pool.close()
  }
}

function upstreamOf(port: number): Upstream {
  const origin = new URL(`http://127.0.0.1:${port}`)
  return undiciUpstream({ origin, connectTimeout: 2000, headersTimeout: 60_000, bodyTimeout: 60_000 })
}

type Given = Pick<LlmDoorParts, 'config' | 'members' | 'line' | 'overflow' | 'batch' | 'cache'>

async function startDoor(given: Given): Promise<{ door: LlmDoor; server: Server; port: number }> {
  const door = new LlmDoor({
    ...given,
    rules: () => ({ host: 'upstream', upstreamHost: '127.0.0.1', trustForwarded: false }),
    others: (_req, res) => void res.writeHead(404).end(),
    whoOf: (req) => ({
      tenant: String(req.headers['x-tenant'] ?? ''),
      priority: Number(req.headers['x-rank'] ?? 2) as Priority,
    }),
    counts: new ProxyCounts(),
  })
  const server = createServer({ highWaterMark: 65_536, keepAliveTimeout: 60_000 }, screen(door.handle))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { door, server, port: (server.address() as AddressInfo).port }
}

export interface SdkOptions {
  readonly maxRetries?: number
  readonly timeout?: number
}

export function openaiOf(url: string, options: SdkOptions = {}): OpenAI {
  return new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any', ...options })
}

export function anthropicOf(url: string, options: SdkOptions = {}): Anthropic {
  return new Anthropic({ baseURL: url, apiKey: 'any', ...options })
}

export function aiOf(url: string, dialect: 'openai' | 'anthropic' = 'openai'): LanguageModel {
  const options = { baseURL: `${url}/v1`, apiKey: 'any' }
  return dialect === 'openai' ? createOpenAI(options).chat(MODEL) : createAnthropic(options)(MODEL)
}
