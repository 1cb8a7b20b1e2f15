import assert from 'node:assert/strict'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { runBench, type BenchResult } from '../../src/bench/index.ts'
import { upstream } from '../../src/demo/upstream.ts'
import { sluice } from './cli-child.ts'

// Nothing here asks how quick a machine is.
describe('sluice bench', () => {
  it('S3.11 control arm: the same load without the gate fails', async () => {
    const { passed, scenarios } = await runBench({ scenarios: ['overload'], length: 3000, protect: false })
    assert.equal(passed, false)
    const failed = scenarios[0]?.checks.filter((check) => !check.passed).map(({ name }) => name) ?? []
    for (const name of ['what is too much is refused', 'refusals say why', 'who is let in is answered normally'])
      assert.ok(failed.includes(name), name)
  })

  it('says why it fails, on a target that has no gate', async () => {
    const server = await upstream({ slots: 20, service: 50 })
    try {
      const url = `http://127.0.0.1:${server.port}/`
      const { code, stdout } = await sluice('bench', '--scenario', 'overload', '--for', '3s', '--target', url).ended
      assert.equal(code, 1)
      assert.match(stdout, /^ {2}FAIL {2}what is too much is refused +0 of \d+ refused, 0 % \(asked: 30 % to 50 %\)$/m)
      assert.ok(!stdout.includes('without the gate'))
      assert.match(stdout, /^bench: FAIL \(0 of 1\)$/m)
    } finally {
      server.close()
    }
  })

  it('prints JSON and nothing else', async () => {
    const server = await upstream({ slots: 20, service: 50 })
    try {
      const url = `http://127.0.0.1:${server.port}/`
      const { stdout, stderr } = await sluice('bench', '--scenario', 'normal', '--for', '3s', '--target', url, '--json')
        .ended
      const { url: where, scenarios } = JSON.parse(stdout) as BenchResult
      assert.equal(where, url)
      assert.equal(scenarios[0]?.name, 'normal')
      assert.equal(stderr, '')
    } finally {
      server.close()
    }
  })

  it('ends its processes on Ctrl-C and leaves with 130', async () => {
    const before = performance.now()
    const { child, ended } = sluice('bench', '--scenario', 'normal', '--for', '60s')
    child.stdout?.once('data', () => child.kill('SIGINT'))
    assert.equal((await ended).code, 130)
    assert.ok(performance.now() - before < 20_000)
  })

  const noProc = process.platform === 'linux' ? false : 'children are found in /proc'
  it('S3.11 fails and ends when the gateway dies under load', { skip: noProc }, async () => {
    const { child, ended } = sluice('bench', '--scenario', 'normal', '--for', '5s')
    const children = async (): Promise<number[]> =>
      (await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')).split(' ').filter(Boolean).map(Number)
    const loaded = async (): Promise<number | undefined> => {
      const gateway = (await children())[1]
      if (gateway === undefined) return undefined
      const folder = `/proc/${gateway}/fd`
      // One that starts has as many files open, to load itself.
      const open = (await readdir(folder)).map((fd) => readlink(`${folder}/${fd}`).catch(() => ''))
      return (await Promise.all(open)).filter((at) => at.startsWith('socket:')).length > 150 ? gateway : undefined
    }
    let patience: NodeJS.Timeout | undefined
    try {
      let gateway: number | undefined
      for (const bound = performance.now() + 20_000; gateway === undefined; gateway = await loaded()) {
        assert.ok(performance.now() < bound, 'no load came within 20 s')
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      process.kill(gateway, 'SIGKILL')
      // Sockets half closed by the dead once kept the process from ever ending.
      patience = setTimeout(() => child.kill('SIGKILL'), 20_000)
      const { code, stdout } = await ended
      assert.equal(code, 1, stdout)
      assert.match(stdout, /^ {2}FAIL {2}nothing breaks +the gateway ended with SIGKILL$/m)
    } finally {
      clearTimeout(patience)
      child.kill('SIGKILL')
    }
  })

  it('is one line and exit 2 for what makes no sense, 1 for a target that does not answer', async () => {
    for (const [args, code, why] of [
      [[], 2, /required option '--scenario <name>'/],
      [['--scenario', 'calm'], 2, /'calm' is invalid. Allowed choices are normal, threshold, overload, spike, all/],
      [['--scenario', 'all', '--for', '1s'], 2, /the least is 3s/],
      [['--scenario', 'all', '--page', '0'], 2, /Expected a whole number from 1 to 1000/],
      [
        ['--scenario', 'all', '--report', '/nowhere/at/all.html'],
        2,
        /--report is .*; expected a file that can be written/,
      ],
      [['--scenario', 'all', '--target', 'http://192.0.2.1/'], 2, /192\.0\.2\.1 is not this machine/],
      [['--scenario', 'normal', '--target', 'http://127.0.0.1:1/'], 1, /does not answer \(ECONNREFUSED\)/],
    ] as const) {
      const { code: left, stderr } = await sluice('bench', ...args).ended
      assert.equal(left, code, args.join(' '))
      assert.match(stderr, why)
      assert.equal(stderr.trim().split('\n').length, 1)
    }
  })
})
