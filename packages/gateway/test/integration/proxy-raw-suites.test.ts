import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

// The same tests as with the raw client, which is the default.
const SUITES = ['proxy-departures', 'proxy-failures', 'proxy-gate', 'proxy-refusals']

describe('S3 the proxy over undici passes what the proxy over the raw client passes', () => {
  for (const suite of SUITES)
    it(suite, async () => {
      const file = fileURLToPath(new URL(`./${suite}.test.js`, import.meta.url))
      const { NODE_TEST_CONTEXT: _, ...environment } = process.env
      const child = spawn(process.execPath, ['--test', '--test-reporter=tap', file], {
        env: { ...environment, SLUICE_UPSTREAM_CLIENT: 'undici' },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let said = ''
      child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
      const [code] = (await once(child, 'close')) as [number | null]
      assert.equal(code, 0, said)
      assert.match(said, /# pass [1-9]/)
    })
})
