import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { sluice } from './cli-child.ts'
import { runToEnd } from './run-child.ts'

interface State {
  readonly arrived: number
  readonly admitted: number
  readonly refused: Readonly<Record<string, number>>
  readonly usage: Readonly<Record<string, { limit: number; charged: number }>>
  readonly log: readonly { id?: string; fate: string; clientLeft?: number; ended: number }[]
  readonly served: number
  readonly aborted: Readonly<Record<string, number>>
  readonly told?: { readonly count: number; readonly max: number }
}

/** Runs an emulator as a process while `prove` uses it, and ends it as an operator would. */
async function running(parameters: readonly string[], prove: (url: string) => Promise<void>): Promise<void> {
  const { child, ended } = sluice('emulate', ...parameters, '--port', '0', '--json')
  try {
    const [line] = (await once(child.stdout!, 'data')) as [Buffer]
    await prove((JSON.parse(String(line)) as { url: string }).url)
    child.kill('SIGTERM')
    const { code, stderr } = await ended
    assert.deepEqual([code, stderr], [0, ''])
  } finally {
    child.kill('SIGKILL')
    await ended
  }
}

async function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const json = { 'content-type': 'application/json', ...headers }
  return await fetch(url, { method: 'POST', body: JSON.stringify(body), headers: json })
}

async function stateOf(url: string): Promise<State> {
  return (await (await fetch(`${url}/__emulator/state`)).json()) as State
}

const CALL = { model: 'm', messages: [{ role: 'user', content: 'hello' }], max_tokens: 100 }

describe('sluice emulate', () => {
  it('openai: limits by flags, state and control by HTTP, ends on SIGTERM', async () => {
    await running(['openai', '--rpm', '1000', '--tpm', '6000', '--retry-after', 'both'], async (url) => {
      const chat = `${url}/v1/chat/completions`
      const good = await post(chat, CALL, { 'x-emulate': '{"id":"a","output":3}' })
      assert.equal(good.status, 200)
      await good.json()
      const large = await post(chat, { ...CALL, max_tokens: 7000 })
      assert.equal(large.status, 429)
      assert.match(await large.text(), /Request too large .* Limit 6000, Requested 7000/)

      assert.equal((await post(`${url}/__emulator/limits`, { tokens: 2000 })).status, 200)
      await (await post(chat, { ...CALL, max_tokens: 2000 })).json()
      const cut = await post(chat, { ...CALL, max_tokens: 1500 })
      const wait = Number(cut.headers.get('retry-after'))
      assert.ok(cut.status === 429 && wait > 35 && wait <= 45, `${cut.status}, ${wait} s`)
      await cut.text()
      await (await post(`${url}/__emulator/faults`, { fault: { kind: 'overloaded' }, count: 1 })).text()
      assert.equal((await post(chat, CALL)).status, 503)
      await (await post(`${url}/__emulator/left`, { id: 'a', at: 123 })).text()

      const state = await stateOf(url)
      assert.deepEqual([state.arrived, state.admitted], [5, 2])
      assert.deepEqual(state.refused, { 'too-large': 1, tokens: 1, overloaded: 1 })
      assert.deepEqual([state.usage['tokens']!.limit, state.usage['tokens']!.charged], [2000, 2100])
      assert.equal(state.log.find(({ id }) => id === 'a')?.clientLeft, 123)

      await (await post(`${url}/__emulator/limits`, { factor: 0.5 })).text()
      await (await post(`${url}/__emulator/reset`, {})).text()
      const after = await stateOf(url)
      assert.deepEqual([after.arrived, after.usage['tokens']!.limit, after.usage['requests']!.limit], [0, 1000, 500])
    })
  })

  it('control: orders that make no sense are told so, and only this machine may give any', async () => {
    await running(['anthropic'], async (url) => {
      for (const [order, body] of [
        ['limits', { tokens: 5 }],
        ['limits', { input: -1 }],
        ['limits', { factor: 'half' }],
        ['faults', { fault: { kind: 'flood' } }],
        ['left', { id: 'nobody', at: 1 }],
        ['dance', {}],
      ] as const) {
        const answer = await post(`${url}/__emulator/${order}`, body)
        assert.equal(answer.status, 400, order)
        assert.equal(typeof ((await answer.json()) as { error: unknown }).error, 'string')
      }
      const page = await fetch(`${url}/__emulator/reset`, { method: 'POST', body: '{}' })
      assert.equal(page.status, 415)
      await page.text()
      // What DNS rebinding looks like. fetch would not let us choose the host.
      const { request } = await import('node:http')
      const rebound = request(`${url}/__emulator/state`, { headers: { host: 'evil.example' } }).end()
      const [res] = (await once(rebound, 'response')) as [{ statusCode: number; resume(): void }]
      res.resume()
      assert.equal(res.statusCode, 403)
    })
  })

  it('says how long after a client had left its generation was told, when the client says when that was', async () => {
    await running(['openai', '--ttft', '60s'], async (url) => {
      const abort = new AbortController()
      const headers = { 'content-type': 'application/json', 'x-emulate': '{"id":"gone"}' }
      const body = JSON.stringify(CALL)
      const call = fetch(`${url}/v1/chat/completions`, { method: 'POST', body, headers, signal: abort.signal })
      const settled = call.catch(() => {})
      const end = performance.now() + 5000
      while ((await stateOf(url)).admitted === 0) assert.ok(performance.now() < end)
      const at = performance.timeOrigin + performance.now()
      abort.abort()
      await settled
      await (await post(`${url}/__emulator/left`, { id: 'gone', at })).text()
      let state = await stateOf(url)
      while (state.told === undefined) {
        assert.ok(performance.now() < end)
        state = await stateOf(url)
      }
      assert.deepEqual([state.told.count, state.aborted['first-token']], [1, 1])
      assert.ok(state.told.max > -50 && state.told.max < 1000, `${state.told.max} ms`)
    })
  })

  it('openai: limits change by themselves when told to', async () => {
    await running(['openai', '--tpm', '1000', '--change', '0.5@50ms'], async (url) => {
      const end = performance.now() + 5000
      while ((await stateOf(url)).usage['tokens']!.limit !== 500) assert.ok(performance.now() < end)
    })
  })

  it('server: so many at once, for so long', async () => {
    await running(['server', '--slots', '2', '--service', '50ms', '--jitter', '0'], async (url) => {
      const began = performance.now()
      const answers = await Promise.all(Array.from({ length: 6 }, () => fetch(url)))
      for (const answer of answers) assert.equal(await answer.text(), 'ok\n')
      const took = performance.now() - began
      assert.ok(took >= 149, `${took} ms for three rounds of 50 ms`)
      const state = await stateOf(url)
      assert.deepEqual([state.arrived, state.served], [6, 6])
    })
  })

  it('used badly: one line and exit 2', async () => {
    const { code, out, err } = await runToEnd(['emulate', 'openai', '--rpm', '0'])
    assert.deepEqual([code, out], [2, ''])
    assert.match(err, /^sluice: [^\n]*from 1 to[^\n]*\n$/)
  })

  it('a taken port: one line and exit 2', async () => {
    await running(['server'], async (url) => {
      const { code, err } = await runToEnd(['emulate', 'openai', '--port', new URL(url).port])
      assert.deepEqual([code, err], [2, `sluice: port ${new URL(url).port} is taken; choose another with --port\n`])
    })
  })
})
