import type { IncomingMessage, ServerResponse } from 'node:http'
import { isLoopbackHost } from '../admin/loopback-host.ts'
import type { CallRecord } from './call-log.ts'
import { objectOf } from './dialects/reading.ts'
import { readFaultRule } from './fault.ts'
import { isDimension, type Provider } from './provider.ts'

/** Where the emulator itself is asked and told things. */
export const CONTROL = '/__emulator/'

/** No order is longer, in bytes. */
const LARGEST = 65_536

/** Serves what is below {@link CONTROL}, to this machine only. */
export function control(provider: Provider, req: IncomingMessage, res: ServerResponse): void {
  const { pathname, searchParams } = new URL(req.url ?? '/', 'http://emulator')
  const order = pathname.slice(CONTROL.length)
  // A page of somebody else's must not be able to have a browser do it: it cannot send JSON without being asked first.
  if (!isLocal(req) || !isLoopbackHost(req.headers.host)) return answer(res, 403, { error: 'only this machine may' })
  if (req.method === 'GET' && order === 'state')
    return answer(res, 200, stateOf(provider, Number(searchParams.get('log') ?? 100)))
  if (req.method !== 'POST') return answer(res, 404, { error: `no ${order} here` })
  if (!(req.headers['content-type'] ?? '').startsWith('application/json'))
    return answer(res, 415, { error: 'expected application/json' })
  let text = ''
  req.setEncoding('utf8')
  req.on('data', (part: string) => {
    if (text.length <= LARGEST) text += part
  })
  req.on('error', () => {})
  req.on('end', () => {
    try {
      obey(provider, order, text === '' ? {} : JSON.parse(text))
      answer(res, 200, { ok: true })
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof SyntaxError)) throw error
      answer(res, 400, { error: error.message })
    }
  })
}

/** What {@link control} shows as state. */
export function stateOf(provider: Provider, log: number): Record<string, unknown> {
  const { model, engine, tally, elapsed, wall } = provider
  const { arrived, admitted, completed, broken, invalid, refused, aborted } = tally
  return {
    now: wall,
    elapsed,
    arrived,
    admitted,
    completed,
    broken,
    invalid,
    refused,
    aborted,
    active: model.active,
    generating: engine.busy,
    queued: engine.queued,
    spent: model.spent,
    usage: provider.usage(),
    told: told(provider.log.last()),
    log: Number.isFinite(log) && log > 0 ? provider.log.last(log) : [],
  }
}

/**
 * How long after its client had left a generation was told, in ms, of the calls in the log whose clients said when that
 * was.
 */
function told(records: readonly CallRecord[]): Readonly<Record<'count' | 'p50' | 'p99' | 'max', number>> | undefined {
  const delays = records
    .flatMap(({ fate, ended, clientLeft }) =>
      fate === 'aborted' && clientLeft !== undefined ? [ended! - clientLeft] : [],
    )
    .sort((a, b) => a - b)
  const at = (share: number): number => delays[Math.ceil(share * delays.length) - 1]!
  return delays.length === 0 ? undefined : { count: delays.length, p50: at(0.5), p99: at(0.99), max: at(1) }
}

function obey(provider: Provider, order: string, body: unknown): void {
  switch (order) {
    case 'limits':
      changeLimits(provider, objectOf(body))
      return
    case 'faults':
      provider.inflict(readFaultRule(body))
      return
    case 'heal':
      provider.heal()
      return
    case 'reset':
      provider.reset()
      return
    case 'left': {
      const { id, at } = objectOf(body)
      const record = typeof id === 'string' ? provider.log.find(id) : undefined
      if (record === undefined) throw new RangeError(`no call ${String(id)} in the log`)
      if (typeof at !== 'number') throw new RangeError('at must be the wall clock when it left, in ms since 1970')
      record.clientLeft = at
      return
    }
    default:
      throw new RangeError(`no order ${order}; there are limits, faults, heal, reset and left`)
  }
}

/** `{"tokens": 1000}` sets, `{"factor": 0.5}` multiplies all of them. */
function changeLimits(provider: Provider, { factor, ...limits }: Readonly<Record<string, unknown>>): void {
  for (const [name, limit] of Object.entries(limits))
    if (!isDimension(name) || typeof limit !== 'number')
      throw new RangeError(`${name} must be a dimension and a number`)
  if (factor !== undefined && typeof factor !== 'number') throw new RangeError('factor must be a number')
  if (factor !== undefined) provider.scale(factor)
  provider.change(limits)
}

function isLocal({ socket }: IncomingMessage): boolean {
  return /^(?:::ffff:)?127\.|^::1$/.test(socket.remoteAddress ?? '')
}

function answer(res: ServerResponse, status: number, body: unknown): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
}
