import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SHARED } from '../../src/proxy/raw-buffers.ts'
import { RawReader } from '../../src/proxy/raw-reader.ts'

const LARGE = 50_000

/** Reads once and passes all of it on. @returns the piece, and where the next read goes */
function readOnce(reader: RawReader, length: number, done: boolean): { piece: Uint8Array; next: Buffer | undefined } {
  let piece: Uint8Array = Buffer.alloc(0)
  const take = (got: Uint8Array): boolean => {
    piece = got
    return done
  }
  reader.pass(reader.read(length), 0, length, { data: take })
  return { piece, next: reader.next() }
}

describe('where a connection reads to', () => {
  it('is shared as long as pieces are small, and they are copied out of it', () => {
    const reader = new RawReader()
    assert.equal(reader.next(), SHARED)
    const { piece, next } = readOnce(reader, 100, true)
    assert.notEqual(piece.buffer, SHARED.buffer)
    assert.equal(next, undefined)
  })

  it('is its own when they are large, and used again when whoever got one has done with it', () => {
    const reader = new RawReader()
    reader.next()
    const own = readOnce(reader, LARGE, true).next
    assert.ok(own !== undefined && own !== SHARED)
    const { piece, next } = readOnce(reader, LARGE, true)
    assert.equal(piece.buffer, own.buffer)
    assert.equal(next, undefined)
    reader.close()
    const other = new RawReader()
    other.next()
    assert.equal(readOnce(other, LARGE, true).next, own, 'lent again')
    other.close()
  })

  it('S3 is never again what somebody may still look at, and the rest of that answer is copied', () => {
    const reader = new RawReader()
    reader.next()
    const own = readOnce(reader, LARGE, true).next!
    assert.equal(readOnce(reader, LARGE, false).next, SHARED)
    const rest = readOnce(reader, LARGE, true)
    assert.notEqual(rest.piece.buffer, SHARED.buffer)
    assert.equal(rest.next, undefined)
    reader.rest()
    const after = readOnce(reader, LARGE, true).next
    assert.ok(after !== undefined && after !== own)
    reader.close()
  })

  it('S3 is not lent again when the connection ends while a piece of it is looked at', () => {
    const reader = new RawReader()
    reader.next()
    const own = readOnce(reader, LARGE, true).next!
    const closing = (): boolean => {
      reader.close()
      return true
    }
    reader.pass(reader.read(LARGE), 0, LARGE, { data: closing })
    const other = new RawReader()
    other.next()
    assert.notEqual(readOnce(other, LARGE, true).next, own)
    other.close()
  })

  it('is shared again after small answers', () => {
    const reader = new RawReader()
    reader.next()
    readOnce(reader, LARGE, true)
    reader.rest()
    readOnce(reader, 100, true)
    reader.rest()
    assert.equal(reader.next(), SHARED)
    reader.close()
  })
})
