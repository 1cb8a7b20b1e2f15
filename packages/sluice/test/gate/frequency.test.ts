import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { Frequency } from '../../src/gate/frequency.ts'
import { hashOf, seeded } from '../../src/ground/index.ts'

describe('S1.13 how often keys were seen lately', () => {
  it('S1.13 it never counts too little between two ageings', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 120, size: 'max' }), (keys) => {
        const frequency = new Frequency(16)
        const exact = new Map<number, number>()
        for (const key of keys) {
          frequency.see(hashOf(`key ${key}`))
          exact.set(key, (exact.get(key) ?? 0) + 1)
        }
        for (const [key, count] of exact) assert.ok(frequency.of(hashOf(`key ${key}`)) >= count)
      }),
      { numRuns: 100, seed: 13 },
    )
  })

  it('S1.13 it tells favourites from passers-by, though there are far more of these than it has counters', () => {
    const frequency = new Frequency(1024)
    const random = seeded(3)
    const favourites = Array.from({ length: 50 }, (_, index) => hashOf(`tenant ${index}`))
    for (let seen = 0; seen < 200_000; seen++)
      frequency.see(seen % 10 === 0 ? favourites[Math.floor(random() * 50)]! : hashOf(`stranger ${seen}`))
    const least = Math.min(...favourites.map((hash) => frequency.of(hash)))
    const strangers = Array.from({ length: 2000 }, (_, index) => frequency.of(hashOf(`nobody ${index}`))).sort(
      (a, b) => a - b,
    )
    const most = strangers[Math.floor(strangers.length * 0.999)]!
    assert.ok(least > most, `the least favourite was seen ${least} times, a stranger ${most}`)
  })

  it('S1.13 it forgets: yesterday’s favourite is nobody special any more', () => {
    const frequency = new Frequency(64)
    const old = hashOf('old')
    for (let seen = 0; seen < 255; seen++) frequency.see(old)
    const before = frequency.of(old)
    for (let seen = 0; seen < 64 * 8 * 8; seen++) frequency.see(hashOf(`new ${seen % 8}`))
    assert.ok(before > 100 && frequency.of(old) < before / 8, `${before} → ${frequency.of(old)}`)
  })

  it('S1.13 it says when it knows enough to judge, and goes on knowing', () => {
    const frequency = new Frequency(16)
    let ripeAt = 0
    for (let seen = 1; seen <= 2000; seen++) {
      frequency.see(hashOf(`key ${seen}`))
      if (frequency.ripe && ripeAt === 0) ripeAt = seen
      if (ripeAt > 0) assert.ok(frequency.ripe, `not any more after ${seen}`)
    }
    assert.equal(ripeAt, 64)
  })

  it('S1.13 counts stop at the top instead of beginning anew', () => {
    const frequency = new Frequency(1024)
    for (let seen = 0; seen < 1000; seen++) frequency.see(7)
    assert.equal(frequency.of(7), 255)
  })
})
