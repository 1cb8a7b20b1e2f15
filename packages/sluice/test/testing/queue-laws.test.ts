import { describe, it } from 'node:test'
import fc from 'fast-check'
import * as sluice from '../../src/index.ts'
import { queueLaws } from '../../src/testing/index.ts'
import { disciplines } from './subjects.ts'

for (const [name, make] of Object.entries(disciplines(sluice)))
  queueLaws(name, { describe, it }, fc, make, { runs: 500 })
