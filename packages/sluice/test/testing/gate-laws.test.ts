import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import * as sluice from '../../src/index.ts'
import { gateLaws } from '../../src/testing/index.ts'
import { FIRST_COME, gates } from './subjects.ts'

for (const [name, make] of Object.entries(gates(sluice)))
  gateLaws(name, { describe, it }, fc, make, {
    runs: 400,
    context: new AsyncLocalStorage(),
    fifo: FIRST_COME.has(name),
  })
