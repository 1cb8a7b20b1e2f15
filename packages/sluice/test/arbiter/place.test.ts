import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { Place } from '../../src/arbiter/place.ts'

describe('where processes meet', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-place-'))
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('S3.5 is made for its user alone', () => {
    const place = new Place(join(folder, 'new/deep'), 'a')
    assert.equal(place.top, 0)
    assert.equal(place.pathOf(7), join(folder, 'new/deep/a.7'))
  })

  it('S3.5 is refused where it is open to others, no folder, or a way to one', () => {
    const open = join(folder, 'open')
    new Place(open, 'a').prepare()
    chmodSync(open, 0o750)
    assert.throws(() => new Place(open, 'a'), /is open to others/)
    chmodSync(open, 0o700)
    symlinkSync(open, join(folder, 'way'))
    assert.throws(() => new Place(join(folder, 'way'), 'a'), /is no folder/)
  })

  it(
    'S3.5 is refused where it belongs to somebody else',
    { skip: process.getuid?.() === 0 ? false : 'not root' },
    () => {
      // Root may pretend to be somebody else.
      const real = process.getuid!
      process.getuid = () => 12_345
      try {
        assert.throws(() => new Place(folder, 'a'), /belongs to user 0/)
      } finally {
        process.getuid = real
      }
    },
  )

  it('S3.5 is refused where no socket could have such an address', () => {
    assert.throws(() => new Place(join(folder, 'x'.repeat(90)), 'a'), /arbiter\.folder/)
    assert.throws(() => new Place(folder, '../a'), /arbiter\.name/)
    assert.throws(() => new Place(folder, ''), /arbiter\.name/)
  })

  it('the highest number counts; lower ones and what the dead have left are tidied away', () => {
    const place = new Place(join(folder, 'numbers'), 'a')
    for (const name of ['a.9', 'a.10', 'a.x', 'ab.77', 'a.011', `a.t${process.pid}-1`, 'a.t999999999-1'])
      writeFileSync(join(place.folder, name), '')
    assert.equal(place.top, 10)
    place.tidy(10)
    assert.equal(place.inodeOf(9), undefined)
    assert.ok(place.inodeOf(10) !== undefined)
    assert.equal(new Place(place.folder, 'ab').top, 77)
    assert.deepEqual(readdirSync(place.folder).toSorted(), ['a.011', 'a.10', `a.t${process.pid}-1`, 'a.x', 'ab.77'])
  })
})
