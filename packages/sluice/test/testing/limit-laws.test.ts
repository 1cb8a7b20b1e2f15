import { describe, it } from 'node:test'
import fc from 'fast-check'
import { adaptive, fixed } from '../../src/index.ts'
import { limitLaws } from '../../src/testing/index.ts'

const options = { runs: 500 }

limitLaws('fixed', { describe, it }, fc, () => fixed(7), { ...options, min: 7, max: 7 })
limitLaws('adaptive', { describe, it }, fc, () => adaptive(), { ...options, min: 1, max: 1000 })
limitLaws('adaptive within narrow bounds', { describe, it }, fc, () => adaptive({ min: 3, max: 6 }), {
  ...options,
  min: 3,
  max: 6,
})
limitLaws('adaptive that cannot move', { describe, it }, fc, () => adaptive({ min: 10, max: 10 }), {
  ...options,
  min: 10,
  max: 10,
})
