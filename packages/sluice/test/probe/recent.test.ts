import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Recent } from '../../src/probe/recent.ts'

describe('Recent', () => {
  it('weighs each level by how long it stood for', () => {
    const recent = new Recent(1000)
    recent.add(100, 100, 0)
    assert.equal(recent.add(400, 300, 1), 0.75)
  })

  it('forgets what is older than the window, in part where it reaches into it', () => {
    const recent = new Recent(1000)
    recent.add(1000, 1000, 1)
    assert.equal(recent.add(1250, 250, 0), 0.75)
    assert.equal(recent.add(1999, 749, 0), 0.001)
    assert.equal(recent.add(2000, 1, 0), 0)
  })

  it('is not moved by what came before the window, however long', () => {
    const recent = new Recent(1000)
    for (let at = 1000; at <= 1e6; at += 1000) recent.add(at, 1000, 0)
    assert.equal(recent.add(1_001_000, 1000, 1), 1)
  })

  it('takes a reading longer than the window for the whole of it', () => {
    const recent = new Recent(100)
    assert.equal(recent.add(5000, 5000, 3), 3)
  })
})
