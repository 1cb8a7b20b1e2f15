import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { headerIn, withHeader } from '../../src/clients/header-list.ts'

describe('the headers of undici', () => {
  it('are read and written in every form there is', () => {
    const forms = [
      { A: '1', b: ['2', '3'] },
      ['A', '1', 'b', '2', 'b', '3'],
      [
        ['A', '1'],
        ['b', ['2', '3']],
      ],
      new Headers([
        ['A', '1'],
        ['b', '2'],
        ['b', '3'],
      ]),
    ]
    for (const headers of forms) {
      assert.equal(headerIn(headers, 'a'), '1')
      assert.equal(headerIn(headers, 'b'), '2, 3')
      assert.equal(headerIn(headers, 'c'), undefined)
      const more = withHeader(headers, 'a', '9')
      assert.equal(headerIn(more, 'a'), '9')
      assert.equal(headerIn(more, 'b'), '2, 3')
    }
    assert.equal(headerIn(null, 'a'), undefined)
    assert.deepEqual(withHeader(undefined, 'a', '1'), ['a', '1'])
    assert.deepEqual(withHeader({ __proto__: null, a: undefined } as never, 'b', '1'), { a: undefined, b: '1' })
  })
})
