import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { describe, it } from 'node:test'
import { protect, type PgClient, type PgOptions, type PgPool, type PgSessionReport } from '../../src/pools/pg.ts'
import { explainPgSession, pgBounds, settlePgSession } from '../../src/pools/pg-session.ts'

/** A server with a mind of its own about its settings. */
class Server extends EventEmitter implements PgClient {
  readonly processID = 4711
  readonly asked: string[] = []
  released = 0
  readonly #settings: Record<string, number>
  readonly #keeps: boolean
  readonly #pid: number

  constructor(settings: Record<string, number>, { keeps = true, pid = 4711 } = {}) {
    super()
    this.#settings = settings
    this.#keeps = keeps
    this.#pid = pid
  }

  async query(text: string): Promise<{ readonly rows: readonly unknown[] }> {
    this.asked.push(text)
    for (const [, name, value] of text.matchAll(/set_config\('(\w+)', '(\d+)'/g))
      if (this.#keeps && Object.hasOwn(this.#settings, name!)) this.#settings[name!] = Number(value)
    const shown = Object.entries(this.#settings).filter(([name]) => text.includes(`'${name}'`))
    return { rows: shown.map(([name, value]) => ({ name, setting: String(value), pid: this.#pid })) }
  }

  release(): void {
    this.released++
  }
}

const NOTHING_SET = { statement_timeout: 0, idle_in_transaction_session_timeout: 0, lock_timeout: 0 }
const STRICT = { statement_timeout: 10, idle_in_transaction_session_timeout: 10, lock_timeout: 10 }
const DEFAULTS = pgBounds({})

describe('bounding a session of PostgreSQL', () => {
  it('S1.7 sets 30 s, 60 s and 5 s, and reads back what is in force', async () => {
    const server = new Server({ ...NOTHING_SET })
    const { settings } = await settlePgSession(server, DEFAULTS)
    assert.deepEqual(
      settings.map(({ name, actual, holds }) => [name, actual, holds]),
      [
        ['statement_timeout', 30_000, true],
        ['idle_in_transaction_session_timeout', 60_000, true],
        ['lock_timeout', 5000, true],
      ],
    )
    assert.equal(server.asked.length, 3)
  })

  it('S1.7 asks once and sets nothing where all is strict enough', async () => {
    const server = new Server({ ...STRICT })
    const report = await settlePgSession(server, DEFAULTS)
    assert.equal(server.asked.length, 1)
    assert.equal(explainPgSession('pool', report), undefined)
  })

  it('S1.7 says so when the server does not keep what it took', async () => {
    const report = await settlePgSession(new Server({ ...NOTHING_SET }, { keeps: false }), DEFAULTS)
    assert.match(
      explainPgSession('orders', report)!,
      /^orders: statement_timeout is 0, wanted 30000 ms, .*did not keep it/,
    )
    assert.match(explainPgSession('orders', report)!, /alter role … set lock_timeout = 5000/)
  })

  it('S1.7 says so when the server knows no such setting', async () => {
    const report = await settlePgSession(new Server({ statement_timeout: 5 }), DEFAULTS)
    assert.deepEqual(
      report.settings.map(({ holds }) => holds),
      [true, false, false],
    )
    assert.match(explainPgSession('pool', report)!, /lock_timeout is unknown/)
  })

  it('S1.7 says so when somebody stands between, and sets nothing there', async () => {
    const server = new Server({ ...NOTHING_SET }, { pid: 12 })
    const report = await settlePgSession(server, DEFAULTS)
    assert.equal(report.pooled, true)
    assert.equal(server.asked.length, 1)
    assert.match(explainPgSession('pool', report)!, /a pooler stands between/)
  })

  it('S1.7 says so when the server refuses to tell', async () => {
    const server = new Server({ ...NOTHING_SET })
    server.query = () => Promise.reject(new Error('permission denied'))
    const report = await settlePgSession(server, DEFAULTS)
    assert.match(explainPgSession('pool', report)!, /the server said: permission denied/)
  })

  it('S1.7 refuses bounds that make no sense', () => {
    assert.throws(() => pgBounds({ statement: -1 }), /pool\.timeouts\.statement/)
    assert.throws(() => pgBounds({ lock: 0.5 }), /pool\.timeouts\.lock/)
    assert.deepEqual(pgBounds({ statement: 0, idleInTransaction: 0, lock: 7 }), [{ name: 'lock_timeout', most: 7 }])
  })

  function poolOf(options: PgOptions, keeps: boolean): PgPool {
    const pool = Object.assign(new EventEmitter(), {
      options: { max: 4 },
      idleCount: 0,
      connect: async () => new Server({ ...NOTHING_SET }, { keeps }),
      query: async () => undefined,
      end: async () => undefined,
    })
    return protect(pool, options)
  }

  it('S1.7 warns once for each pool, and lets work go on', async () => {
    const pool = poolOf({ name: 'ledger' }, false)
    const warning = once(process, 'warning')
    for (let time = 0; time < 3; time++) (await pool.connect()).release()
    const [{ name, code, message }] = (await warning) as [{ name: string; code: string; message: string }]
    assert.deepEqual([name, code], ['SluiceWarning', 'SLUICE_POOL_UNVERIFIED'])
    assert.match(message, /^ledger: /)
  })

  it('S1.7 tells the hook of every connection instead', async () => {
    const reports: PgSessionReport[] = []
    const pool = poolOf({ onUnverified: (report) => reports.push(report) }, false)
    for (let time = 0; time < 3; time++) (await pool.connect()).release()
    assert.equal(reports.length, 3)
    const content: PgSessionReport[] = []
    ;(await poolOf({ onUnverified: (report) => content.push(report) }, true).connect()).release()
    assert.deepEqual(content, [])
  })
})
