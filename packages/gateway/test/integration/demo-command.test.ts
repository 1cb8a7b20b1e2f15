import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { sluice } from './cli-child.ts'
import { until } from './proxy-rig.ts'

async function childrenOf(pid: number): Promise<number[]> {
  return (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).split(' ').filter(Boolean).map(Number)
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('sluice demo', () => {
  const noProc = process.platform === 'linux' ? false : 'children are found in /proc'
  it('ends every process it started, on Ctrl-C and when it is killed', { skip: noProc }, async () => {
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGKILL', null],
    ] as const) {
      const { child, ended, output } = sluice('demo', '--for', '30s', '--headless')
      let children: readonly number[] = []
      try {
        await until('its first second', () => output().includes(' gate: good '), 10_000)
        children = await childrenOf(child.pid!)
        assert.equal(children.length, 4)
        child.kill(signal)
        await until('the end of its processes', () => !children.some(alive), 10_000)
        assert.equal((await ended).code, code)
      } finally {
        for (const pid of children.filter(alive)) process.kill(pid, 'SIGKILL')
        child.kill('SIGKILL')
      }
    }
  })

  it('refuses a time too short, no time at all, and a report that nobody can write: one line, exit 2', async () => {
    for (const [flag, text, why] of [
      ['--for', '3s', /the least is 10s/],
      ['--for', 'soon', /is not a duration/],
      ['--report', '/nowhere/demo.html', /--report is "\/nowhere\/demo\.html"; expected a file that can be written/],
    ] as const) {
      const { code, stdout, stderr } = await sluice('demo', flag, text).ended
      assert.equal(code, 2)
      assert.equal(stdout, '')
      assert.match(stderr, why)
      assert.equal(stderr.trim().split('\n').length, 1)
    }
  })
})
