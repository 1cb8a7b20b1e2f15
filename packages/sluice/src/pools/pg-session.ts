import { checkWhole, type Millis } from '../ground/index.ts'
import type { PgClient } from './pg-pool.ts'

/** How long the server lets things take, on each connection of a guarded pool. Whole ms; 0 leaves a setting alone. */
export interface PgTimeouts {
  /** `statement_timeout`: one statement. Default 30,000. */
  readonly statement?: Millis
  /** `idle_in_transaction_session_timeout`: a transaction in which nothing happens. Default 60,000. */
  readonly idleInTransaction?: Millis
  /** `lock_timeout`: waiting for one lock. Default 5000. */
  readonly lock?: Millis
}

/** One setting of a session, as the server itself shows it. */
export interface PgSetting {
  readonly name: string
  /** At most so many ms were asked for. */
  readonly wanted: Millis
  /** So many are in force; 0 is for ever. `undefined` where the server knows no such setting. */
  readonly actual: Millis | undefined
  /** True when that is as asked, and will stay so. */
  readonly holds: boolean
}

/** What came of setting up a connection. */
export interface PgSessionReport {
  readonly settings: readonly PgSetting[]
  /**
   * True when the process that answers is not the one the connection was made to: a pooler stands between, which may
   * give each transaction another session. Nothing is set then; what the role has set holds.
   */
  readonly pooled: boolean
  /** What the server said against reading or setting them. */
  readonly error: unknown
}

/** A setting, and the most it may be. */
export interface Bound {
  readonly name: string
  readonly most: Millis
}

/** @throws RangeError naming the field */
export function pgBounds({ statement, idleInTransaction, lock }: PgTimeouts): readonly Bound[] {
  return [
    { name: 'statement_timeout', most: checkMillis('statement', statement ?? 30_000) },
    {
      name: 'idle_in_transaction_session_timeout',
      most: checkMillis('idleInTransaction', idleInTransaction ?? 60_000),
    },
    { name: 'lock_timeout', most: checkMillis('lock', lock ?? 5000) },
  ].filter(({ most }) => most > 0)
}

function checkMillis(field: string, value: unknown): Millis {
  return checkWhole(`pool.timeouts.${field}`, value, 0, 2 ** 31 - 1)
}

/** What the server shows: ms, by name. */
interface Shown {
  readonly pid: number
  readonly values: ReadonlyMap<string, Millis>
}

/**
 * Bounds a session, and reads back what is in force: what is stricter already, by the role, the database or the startup
 * options, stays. One round trip where nothing is to be set, three where something is; once for each connection.
 *
 * By statements, not by startup options: a pooler refuses connections that name options it does not know, or forgets
 * them without a word.
 */
export async function settlePgSession(client: PgClient, bounds: readonly Bound[]): Promise<PgSessionReport> {
  let shown: Shown | undefined
  let pooled = false
  let error: unknown
  try {
    shown = await show(client, bounds)
    const { processID } = client as { readonly processID?: unknown }
    pooled = typeof processID === 'number' && processID !== shown.pid
    const loose = bounds.filter(({ name, most }) => !isWithin(shown?.values.get(name), most))
    if (loose.length > 0 && !pooled) {
      const calls = loose.map(({ name, most }) => `pg_catalog.set_config('${name}', '${most}', false)`)
      await client.query(`select ${calls.join(', ')}`)
      shown = await show(client, bounds)
    }
  } catch (caught) {
    error = caught
  }
  const settings = bounds.map(({ name, most }) => {
    const actual = shown?.values.get(name)
    return { name, wanted: most, actual, holds: isWithin(actual, most) }
  })
  return { settings, pooled, error }
}

/** A clear sentence for the operator; `undefined` when everything holds. */
export function explainPgSession(gate: string, { settings, pooled, error }: PgSessionReport): string | undefined {
  const loose = settings.filter(({ holds }) => !holds)
  if (loose.length === 0) return undefined
  const found = loose.map(({ name, actual, wanted }) => `${name} is ${actual ?? 'unknown'}, wanted ${wanted} ms`)
  const why = pooled
    ? 'a pooler stands between, which may give every transaction another session, so nothing was set'
    : error === undefined
      ? 'the server took the setting and did not keep it'
      : `the server said: ${error instanceof Error ? error.message : 'nothing'}`
  const remedy = loose.map(({ name, wanted }) => `alter role … set ${name} = ${wanted}`).join('; ')
  return `${gate}: ${found.join(', ')}: ${why}. Set it where it holds for every session: ${remedy}`
}

async function show(client: PgClient, bounds: readonly Bound[]): Promise<Shown> {
  const names = bounds.map(({ name }) => `'${name}'`).join(', ')
  // By the names alone, in one text: the simple protocol, which every pooler and relative of PostgreSQL speaks.
  const { rows } = await client.query(
    `select name, setting, pg_catalog.pg_backend_pid() as pid from pg_catalog.pg_settings where name in (${names})`,
  )
  const read = rows as readonly { readonly name: string; readonly setting: string; readonly pid: number }[]
  return { pid: read[0]?.pid ?? 0, values: new Map(read.map(({ name, setting }) => [name, Number(setting)])) }
}

function isWithin(actual: Millis | undefined, most: Millis): boolean {
  return actual !== undefined && actual > 0 && actual <= most
}
