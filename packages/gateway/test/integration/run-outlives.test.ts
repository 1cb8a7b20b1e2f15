import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { curl, noCurl } from './proxy-curl.ts'
import { scene, until } from './proxy-rig.ts'
import { runToEnd, startRun } from './run-child.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))

/** How a command ends whose reader leaves at once, and what it says of that. */
async function unread(...parameters: string[]): Promise<{ code: unknown; err: string }> {
  const child = spawn(process.execPath, [MAIN, ...parameters], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  let err = ''
  child.stderr.on('data', (text: Buffer) => (err += String(text)))
  const [code] = await once(child, 'close')
  return { code, err }
}

describe('a command whose output nobody takes', () => {
  for (const parameters of [
    ['export', 'schema'],
    // Has started a process of its own, which ends as well: it would hold on to stderr.
    ['bench', '--scenario', 'normal', '--for', '3s'],
  ])
    it(`${parameters.join(' ')}: ends without a word`, { timeout: 10_000 }, async () => {
      assert.deepEqual(await unread(...parameters), { code: 141, err: '' })
    })

  it('a disk that is full: one line and exit 1', async () => {
    const full = openSync('/dev/full', 'w')
    const child = spawn(process.execPath, [MAIN, 'export', 'schema'], { stdio: ['ignore', full, 'pipe'] })
    let err = ''
    child.stderr!.on('data', (text: Buffer) => (err += String(text)))
    const [code] = await once(child, 'close')
    assert.deepEqual([code, err], [1, 'sluice: what it says cannot be written (ENOSPC)\n'])
  })
})

describe('a gateway', { skip: noCurl }, () => {
  it('serves on when nobody reads its log any more', async () => {
    await scene(async (stage) => {
      const run = await startRun(await stage.upstream((_req, res) => res.end('served')))
      stage.onEnd(() => run.stop())
      run.process.stdout!.destroy()
      run.process.stderr!.destroy()
      // Each makes a line of the log.
      for (let i = 0; i < 3; i++) run.kill('SIGHUP')
      for (let i = 0; i < 3; i++) assert.equal(await curl(`http://127.0.0.1:${run.port}/`), 'served')
      assert.equal(run.process.exitCode, null)
    })
  })

  it('that has no file to read again is not ended by SIGHUP', async () => {
    await scene(async (stage) => {
      const run = await startRun(await stage.upstream((_req, res) => res.end('served')))
      stage.onEnd(() => run.stop())
      run.kill('SIGHUP')
      await until('an answer in the log', () => run.err().includes('SIGHUP') || run.process.signalCode !== null)
      assert.match(run.err(), /^sluice: SIGHUP: there is no file to read again, nothing has changed\n$/)
      assert.equal(await curl(`http://127.0.0.1:${run.port}/`), 'served')
    })
  })
})

describe('what flags and variables say of addresses and tokens', () => {
  const run = ['run', '--upstream', 'http://127.0.0.1:1', '--port', '0', '--admin-port', '0']
  for (const [parameters, environment, says] of [
    [['--host', '999.1.1.1'], {}, "option '--host <address>' argument '999.1.1.1' is invalid. Expected an IP address"],
    [['--admin-host', 'a.b'], {}, "option '--admin-host <address>' argument 'a.b' is invalid. Expected an IP address"],
    [[], { SLUICE_HOST: '999.1.1.1' }, 'SLUICE_HOST is "999.1.1.1"; expected an IP address'],
    [[], { SLUICE_ADMIN_HOST: 'a.b' }, 'SLUICE_ADMIN_HOST is "a.b"; expected an IP address'],
    [[], { SLUICE_ADMIN_HOST: '0.0.0.0' }, 'listen.adminToken: expected a token (SLUICE_ADMIN_TOKEN): the admin port'],
    [[], { SLUICE_ADMIN_TOKEN: 'tooshort' }, 'SLUICE_ADMIN_TOKEN is "***"; expected 16 to 200 letters and signs'],
  ] as const)
    it(`S3.4 ${[...parameters, ...Object.values(environment)].join(' ')}: one line that names it, exit 2`, async () => {
      const { code, err } = await runToEnd([...run, ...parameters], environment)
      assert.equal(code, 2)
      assert.match(err, /^sluice: [^\n]+\n$/)
      assert.ok(err.startsWith(`sluice: ${says}`), err)
    })
})
