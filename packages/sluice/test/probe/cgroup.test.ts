import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cpuQuota, heldMemory, memoryBound, parseBytes, parseCpuMax, parseQuota } from '../../src/probe/cgroup.ts'

const GIB = 2 ** 30

/** A file system of a few files. */
function files(all: Readonly<Record<string, string>>): (path: string) => string | undefined {
  return (path) => all[path]
}

const VERSION_1 = `12:pids:/docker/4f1c
11:cpu,cpuacct:/docker/4f1c
5:memory:/docker/4f1c
1:name=systemd:/docker/4f1c
0::/system.slice/containerd.service
`

describe('cgroup figures', () => {
  it('reads bytes, and takes max, the huge number of version 1 and rubbish for no limit', () => {
    assert.equal(parseBytes('536870912\n'), 536870912)
    for (const none of ['max\n', '9223372036854771712\n', '18446744073709551615', '', '-1', 'abc', '0', undefined])
      assert.equal(parseBytes(none), Infinity, String(none))
  })

  it('reads cpu.max as processors', () => {
    assert.equal(parseCpuMax('150000 100000\n'), 1.5)
    assert.equal(parseCpuMax('50000 100000\n'), 0.5)
    for (const none of ['max 100000\n', 'max', '', '150000', undefined]) assert.equal(parseCpuMax(none), Infinity, none)
  })

  it('reads the quota of version 1, where -1 is none', () => {
    assert.equal(parseQuota('400000\n', '100000\n'), 4)
    assert.equal(parseQuota('-1\n', '100000\n'), Infinity)
    assert.equal(parseQuota('100000', undefined), Infinity)
  })

  it('reads what a group holds and cannot give back, in both versions', () => {
    const second = 'anon 104857600\nfile 734003200\nkernel 9999\nshmem 1048576\ninactive_file 700000000\n'
    assert.equal(heldMemory(second), 104857600 + 1048576)
    const first = 'cache 51073024\nrss 1781760\nshmem 0\ntotal_cache 900000000\ntotal_rss 30000000\ntotal_shmem 4096\n'
    assert.equal(heldMemory(first), 30004096)
    assert.equal(heldMemory(''), 0)
  })
})

describe('memoryBound', () => {
  it('finds the limit of version 2 at the root a container sees', () => {
    const read = files({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.max': `${GIB}\n` })
    assert.deepEqual(memoryBound(read), { limit: GIB, statistics: '/sys/fs/cgroup/memory.stat' })
  })

  it('takes the tightest of nested groups', () => {
    const group = '/sys/fs/cgroup/kubepods.slice/kubepods-burstable.slice/cri-1.scope'
    const read = files({
      '/proc/self/cgroup': '0::/kubepods.slice/kubepods-burstable.slice/cri-1.scope\n',
      [`${group}/memory.max`]: 'max\n',
      '/sys/fs/cgroup/kubepods.slice/kubepods-burstable.slice/memory.max': `${GIB}\n`,
      '/sys/fs/cgroup/kubepods.slice/memory.max': `${8 * GIB}\n`,
    })
    const statistics = '/sys/fs/cgroup/kubepods.slice/kubepods-burstable.slice/memory.stat'
    assert.deepEqual(memoryBound(read), { limit: GIB, statistics })
  })

  it("finds version 1's own group, beside the line of version 2", () => {
    const read = files({
      '/proc/self/cgroup': VERSION_1,
      '/sys/fs/cgroup/memory/docker/4f1c/memory.limit_in_bytes': '268435456\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
    })
    assert.equal(memoryBound(read).limit, 268435456)
  })

  it("falls back to the root where the host's path is not mounted", () => {
    const read = files({
      '/proc/self/cgroup': VERSION_1,
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '268435456\n',
    })
    assert.deepEqual(memoryBound(read), { limit: 268435456, statistics: '/sys/fs/cgroup/memory/memory.stat' })
  })

  it('looks only at the root for a group outside the namespace', () => {
    const read = files({
      '/proc/self/cgroup': '0::/../../other\n',
      '/sys/fs/cgroup/memory.max': '1000000\n',
      '/sys/fs/cgroup/../../other/memory.max': '1\n',
    })
    assert.equal(memoryBound(read).limit, 1000000)
  })

  it('finds no limit where there are no such files, or all say max', () => {
    assert.equal(memoryBound(files({})).limit, Infinity)
    const read = files({ '/proc/self/cgroup': '0::/a\n', '/sys/fs/cgroup/a/memory.max': 'max\n' })
    assert.equal(memoryBound(read).limit, Infinity)
  })
})

describe('cpuQuota', () => {
  it('finds it in both versions, the tightest of nested groups', () => {
    const second = files({
      '/proc/self/cgroup': '0::/a/b\n',
      '/sys/fs/cgroup/a/cpu.max': '200000 100000\n',
      '/sys/fs/cgroup/a/b/cpu.max': 'max 100000\n',
    })
    assert.equal(cpuQuota(second), 2)
    const first = files({
      '/proc/self/cgroup': VERSION_1,
      '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '50000\n',
      '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
    })
    assert.equal(cpuQuota(first), 0.5)
  })

  it('finds none where there is none', () => {
    assert.equal(cpuQuota(files({})), Infinity)
    assert.equal(cpuQuota(files({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': 'max 100000\n' })), Infinity)
  })
})
