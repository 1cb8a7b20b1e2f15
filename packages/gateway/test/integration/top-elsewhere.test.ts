import assert from 'node:assert/strict'
import { it } from 'node:test'
import { readSnapshot } from '../../src/top/read-snapshot.ts'
import { scene } from './proxy-rig.ts'

it('sluice top says so when what answers is no gateway, whatever it answers', async () => {
  for (const [body, says] of [
    ['{"hello":"world"}', /something else than a snapshot: is it the admin port of a gateway\?$/],
    ['{"version":"\u001B[2J"}', /something else than a snapshot/],
    ['null', /something else than a snapshot/],
    ['<html>', /something else than a snapshot/],
    ['{"version":2}', /speaks version 2, this is version 1$/],
  ] as const)
    await scene(async (stage) => {
      const port = await stage.upstream((_req, res) => res.end(body))
      await assert.rejects(readSnapshot(new URL(`http://127.0.0.1:${port}`), undefined), says)
    })
})
