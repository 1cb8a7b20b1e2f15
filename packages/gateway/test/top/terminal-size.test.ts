import assert from 'node:assert/strict'
import { it } from 'node:test'
import { terminalSize } from '../../src/top/index.ts'

it('S1.14 a terminal without a size, as containers have, gets a picture too', () => {
  assert.deepEqual(terminalSize({ isTTY: true, columns: 120, rows: 40 }), { columns: 120, rows: 40 })
  assert.deepEqual(terminalSize({ isTTY: true, columns: 0, rows: 0 }), { columns: 80, rows: 24 })
})
