import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pgFault } from '../../src/pools/pg-fault.ts'

describe('what an error of PostgreSQL says', () => {
  const table = [
    ['57014', 'ERROR', 'dropped', false, 'statement timeout, or cancelled'],
    ['55P03', 'ERROR', 'dropped', false, 'lock timeout'],
    ['53300', 'FATAL', 'dropped', true, 'too many connections'],
    ['53200', 'ERROR', 'dropped', false, 'out of memory'],
    ['57P01', 'FATAL', 'failure', true, 'killed by an administrator'],
    ['57P03', 'FATAL', 'failure', true, 'starting up'],
    ['08006', 'ERROR', 'failure', true, 'connection failure'],
    ['25P03', 'FATAL', 'ignored', true, 'idle in transaction for too long'],
    ['25P02', 'ERROR', 'ignored', false, 'in a failed transaction'],
    ['23505', 'ERROR', 'ignored', false, 'unique violation'],
    ['42601', 'ERROR', 'ignored', false, 'syntax error'],
    ['40001', 'ERROR', 'ignored', false, 'serialization failure'],
    ['58030', 'ERROR', 'failure', false, 'I/O error'],
    ['XX000', 'ERROR', 'failure', false, 'internal error'],
    ['23505', 'FEHLER', 'ignored', false, 'unique violation, in German'],
  ] as const
  for (const [code, severity, outcome, broken, what] of table)
    it(`S1.7 ${code}, ${what}: ${outcome}${broken ? ', and closes' : ''}`, () => {
      assert.deepEqual(pgFault({ code, severity }), { outcome, broken })
    })

  it('S1.7 what did not come from the server costs the connection: nobody knows what it is at', () => {
    for (const error of [new Error('Query read timeout'), { code: 'ECONNRESET' }, undefined, null, 'text'])
      assert.deepEqual(pgFault(error), { outcome: 'failure', broken: true })
  })
})
