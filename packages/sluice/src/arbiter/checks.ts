import type { BucketsStatement, SharedBudget, SlotReport } from '../coordinate/index.ts'

/** Who waits, at most, in one report. */
const CROWD = 100_000
/** Items in a list, at most. */
const ITEMS = 1024
/** How deep data may be nested. */
const DEPTH = 6

type Fields = Readonly<Record<string, unknown>>

/** What another process says is data. Fields this file does not name are passed on, as long as they are plain. */
function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${what}: no record`)
  return value as Fields
}

/** JSON knows numbers that are none: 1e999 is read as Infinity. */
function checkPlain(value: unknown, what: string, depth: number): void {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error(`${what}: a number without end`)
  if (typeof value !== 'object' || value === null) return
  if (depth === 0) throw new Error(`${what}: nested too deeply`)
  for (const key in value) checkPlain((value as Fields)[key], what, depth - 1)
}

function checkCount(value: unknown, what: string, most: number = Number.MAX_SAFE_INTEGER): void {
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > most)
    throw new Error(`${what}: no count`)
}

function checkAmount(value: unknown, what: string): void {
  if (typeof value !== 'number' || !(value >= 0)) throw new Error(`${what}: no amount`)
}

function listOf(value: unknown, what: string, length?: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > ITEMS || (length !== undefined && value.length !== length))
    throw new Error(`${what}: no list of that length`)
  return value as readonly unknown[]
}

/** @throws Error for anything but a short text */
export function checkName(value: unknown, what: string, longest = 1024): string {
  if (typeof value !== 'string' || value.length > longest) throw new Error(`${what}: no name`)
  return value
}

/** @throws Error for what is no report */
export function checkReport(value: unknown): SlotReport {
  checkPlain(value, 'report', DEPTH)
  const report = fieldsOf(value, 'report')
  checkName(report['session'], 'session', 128)
  for (const field of ['life', 'seq', 'granted', 'returned', 'limit', 'queue']) checkCount(report[field], field)
  if (report['limit'] === 0) throw new Error('limit: none')
  checkCount(report['spare'], 'spare', CROWD)
  for (const field of ['strict', 'leaves'])
    if (typeof report[field] !== 'boolean') throw new Error(`${field}: neither true nor false`)
  for (const count of listOf(report['waiting'], 'waiting', 4)) checkCount(count, 'waiting', CROWD)
  if (report['shares'] !== undefined)
    for (const share of listOf(report['shares'], 'shares', 4)) checkAmount(share, 'share')
  checkDemand(report['heads'] ?? [])
  checkDemand(report['demand'] ?? [])
  return report as unknown as SlotReport
}

function checkDemand(value: unknown): void {
  for (const item of listOf(value, 'demand')) {
    const some = fieldsOf(item, 'demand')
    checkCount(some['priority'], 'priority', 3)
    checkAmount(some['age'], 'age')
    checkCount(some['count'] ?? 1, 'count', CROWD)
    for (const field of ['weight', 'cost'])
      if (!(((some[field] ?? 1) as number) > 0)) throw new Error(`${field}: nothing`)
    if (typeof (some['line'] ?? 0) !== 'number') throw new Error('line: no number')
  }
}

/** @throws Error for what are no buckets */
export function checkBudget(value: unknown): SharedBudget {
  checkPlain(value, 'budget', DEPTH)
  const budget = fieldsOf(value, 'budget')
  checkName(budget['name'], 'name')
  for (const bucket of checkRefills(budget['buckets'])) checkName(bucket['name'], 'name')
  return budget as unknown as SharedBudget
}

function checkRefills(value: unknown, length?: number): readonly Fields[] {
  return listOf(value, 'buckets', length).map((item) => {
    const refill = fieldsOf(item, 'buckets')
    checkAmount(refill['interval'], 'interval')
    checkAmount(refill['capacity'], 'capacity')
    return refill
  })
}

/** @throws Error for what is no statement about so many buckets */
export function checkStatement(value: unknown, buckets: number): BucketsStatement {
  checkPlain(value, 'statement', DEPTH)
  const statement = fieldsOf(value, 'statement')
  checkCount(statement['turn'], 'turn')
  if (typeof statement['known'] !== 'boolean') throw new Error('known: neither true nor false')
  for (const field of ['claim', 'keep', 'need', 'want'])
    for (const level of listOf(statement[field], field, buckets))
      if (typeof level !== 'number') throw new Error(`${field}: no level`)
  if (statement['pace'] !== undefined) checkRefills(fieldsOf(statement['pace'], 'pace')['refills'], buckets)
  for (const field of ['reserve', 'hold']) checkAmount(statement[field] ?? 0, field)
  if (statement['demand'] !== undefined) checkAsker(fieldsOf(statement['demand'], 'demand'))
  return statement as unknown as BucketsStatement
}

function checkAsker(demand: Fields): void {
  checkCount(demand['priority'], 'priority', 3)
  checkName(demand['line'], 'line')
  for (const field of ['charge', 'age']) checkAmount(demand[field], field)
  if (typeof demand['waits'] !== 'boolean') throw new Error('waits: neither true nor false')
  const told = listOf(demand['told'], 'told')
  checkCount(demand['abreast'], 'abreast', told.length)
  for (const item of told) {
    const charge = fieldsOf(item, 'told')
    checkName(charge['line'], 'line')
    if (typeof charge['more'] !== 'number') throw new Error('more: no number')
  }
}
