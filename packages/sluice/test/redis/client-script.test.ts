import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runScript } from '../../src/redis/client-script.ts'

const unknown = (): Promise<unknown> => Promise.reject(new Error('NOSCRIPT No matching script. Please use EVAL.'))

describe('a script for the server', () => {
  it('S3.5 of a server before Redis 7 it is said that it is too old', async () => {
    const old = "ERR Error compiling script (new function): user_script:1: unexpected symbol near '#'"
    await assert.rejects(
      runScript(unknown, () => Promise.reject(new Error(old))),
      {
        message: `Redis 7 or later, or Valkey, is needed; this server says: ${old}`,
      },
    )
  })

  it('S3.5 any other error is told as the server told it', async () => {
    await assert.rejects(
      runScript(unknown, () => Promise.reject(new Error('READONLY'))),
      { message: 'READONLY' },
    )
    await assert.rejects(
      runScript(() => Promise.reject(new Error('OOM')), unknown),
      { message: 'OOM' },
    )
    assert.equal(await runScript(unknown, () => Promise.resolve(5)), 5)
  })
})
