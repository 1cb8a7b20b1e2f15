/**
 * What Linux control groups allow this process. Pure: files come in through a {@link ReadText}. The usual mount points
 * are assumed; elsewhere nothing is found and nothing limits.
 */

/** The text of a file, `undefined` where there is none. */
export type ReadText = (path: string) => string | undefined

/** How much memory the tightest group allows, and where it says what it holds. */
export interface MemoryBound {
  /** Bytes; `Infinity` where nothing limits. */
  readonly limit: number
  /** Path of that group's `memory.stat`. */
  readonly statistics: string
}

const MOUNT = '/sys/fs/cgroup'
/** Version 1 says "no limit" with the highest number of pages there is; nobody has an exabyte. */
const NO_LIMIT = 2 ** 60

/** The memory limit of this process: the lowest of its group and of those around it. */
export function memoryBound(read: ReadText): MemoryBound {
  const { version, folders } = groupsOf('memory', read)
  let tightest: MemoryBound = { limit: Infinity, statistics: `${MOUNT}/memory.stat` }
  for (const folder of folders) {
    const limit = parseBytes(read(`${folder}/${version === 2 ? 'memory.max' : 'memory.limit_in_bytes'}`))
    if (limit < tightest.limit) tightest = { limit, statistics: `${folder}/memory.stat` }
  }
  return tightest
}

/** How many processors' worth of time this process may use: the lowest of its group and of those around it. */
export function cpuQuota(read: ReadText): number {
  const { version, folders } = groupsOf('cpu', read)
  const quotas = folders.map((folder) =>
    version === 2
      ? parseCpuMax(read(`${folder}/cpu.max`))
      : parseQuota(read(`${folder}/cpu.cfs_quota_us`), read(`${folder}/cpu.cfs_period_us`)),
  )
  return Math.min(Infinity, ...quotas)
}

/** Bytes of `memory.stat` that the kernel cannot take back: everything but the file cache. */
export function heldMemory(text: string): number {
  const counts = new Map<string, number>()
  for (const line of text.split('\n')) {
    const [key, value] = line.split(' ')
    if (key !== undefined && value !== undefined) counts.set(key, Number(value))
  }
  const count = (key: string): number => counts.get(key) ?? 0
  // Version 1 counts a group without those inside it unless the name begins with `total_`.
  return counts.has('anon') ? count('anon') + count('shmem') : count('total_rss') + count('total_shmem')
}

/** A number of bytes; `Infinity` for `max`, for version 1's huge number and for what is no number. */
export function parseBytes(text: string | undefined): number {
  const bytes = parseCount(text)
  return bytes < NO_LIMIT ? bytes : Infinity
}

/** `cpu.max`: quota and period, `150000 100000` for one and a half processors, `max 100000` for no limit. */
export function parseCpuMax(text: string | undefined): number {
  const [quota, period] = (text ?? '').trim().split(/\s+/)
  return parseQuota(quota, period)
}

/** Version 1's two files; a quota of -1 is none. */
export function parseQuota(quota: string | undefined, period: string | undefined): number {
  const cores = parseCount(quota) / parseCount(period)
  return cores > 0 ? cores : Infinity
}

/** A whole number above 0; `Infinity` for anything else. */
function parseCount(text: string | undefined): number {
  const trimmed = (text ?? '').trim()
  const count = /^\d+$/.test(trimmed) ? Number(trimmed) : 0
  return count > 0 ? count : Infinity
}

interface Groups {
  readonly version: 1 | 2
  /** The process's own group and those around it, innermost first. */
  readonly folders: readonly string[]
}

/** Which groups a controller keeps this process in, by `/proc/self/cgroup`: lines of `number:controllers:path`. */
function groupsOf(controller: string, read: ReadText): Groups {
  let unified = '/'
  for (const line of (read('/proc/self/cgroup') ?? '').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (controllers === undefined || path === undefined) continue
    if (controllers.split(',').includes(controller)) return { version: 1, folders: around(mount(controllers), path) }
    if (controllers === '') unified = path
  }
  return { version: 2, folders: around(MOUNT, unified) }
}

function mount(controllers: string): string {
  return `${MOUNT}/${controllers}`
}

/**
 * A group and those around it. Inside a container the path may be the host's, of which nothing is mounted but the
 * container's own group as the root: then the inner folders do not exist and the root is the one that counts.
 */
function around(root: string, path: string): string[] {
  const names = path.split('/').filter((name) => name !== '')
  // A group outside this namespace's root cannot be seen.
  if (names.includes('..')) return [root]
  return [...names.keys(), names.length].reverse().map((depth) => [root, ...names.slice(0, depth)].join('/'))
}
