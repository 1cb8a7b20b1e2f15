import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { writeTogether } from '../../src/proxy/write-together.ts'

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

describe('writes that are put off', () => {
  it('go out after what can be read by now, in their order, and once', async () => {
    const said: string[] = []
    writeTogether(() => said.push('first'))
    writeTogether(() => said.push('second'))
    said.push('read')
    await turn()
    assert.deepEqual(said, ['read', 'first', 'second'])
    await turn()
    assert.equal(said.length, 3)
  })

  it('wait for fifteen others at most', async () => {
    let written = 0
    for (let i = 0; i < 40; i++) writeTogether(() => void written++)
    assert.equal(written, 32)
    await turn()
    assert.equal(written, 40)
  })

  it('may put off others, which go out as well', async () => {
    let written = 0
    writeTogether(() => writeTogether(() => void written++))
    await turn()
    await turn()
    assert.equal(written, 1)
  })
})
