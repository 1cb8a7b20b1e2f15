import { lstatSync, mkdirSync, readdirSync, statSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { refuseValue } from '../ground/index.ts'

/** A path longer than this is no address of a socket on every system. */
const LONGEST = 100
/** What a number of ten digits, or the name of one that is not ready yet, takes. */
const ROOM = 28

/**
 * Where the processes of one user meet: sockets `NAME.1`, `NAME.2`… in a folder nobody else may enter. The highest number
 * counts. It is never removed but by whoever has made a higher one, so that numbers do not come back.
 */
export class Place {
  readonly folder: string
  readonly #name: string
  readonly #numbered: RegExp

  /** @throws RangeError for a name or a path that cannot be; Error for a folder that is not this user's alone */
  constructor(folder: string | undefined, name: string) {
    if (!/^[\w-]{1,32}$/.test(name)) refuseValue('arbiter.name', name, 'up to 32 letters, digits, - or _')
    if (process.getuid === undefined) throw new Error('arbiter: there are no sockets with owners on this system')
    this.folder = folder ?? join(tmpdir(), `sluice-${process.getuid()}`)
    if (Buffer.byteLength(this.folder) + name.length + ROOM > LONGEST)
      refuseValue('arbiter.folder', this.folder, `a path of at most ${LONGEST - ROOM - name.length} bytes`)
    this.#name = name
    this.#numbered = new RegExp(`^${name}\\.([1-9]\\d{0,9})$`)
    this.prepare()
  }

  /** Makes the folder where there is none. @throws Error for one that is not this user's alone */
  prepare(): void {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 })
    const found = lstatSync(this.folder)
    const wrong = !found.isDirectory()
      ? 'is no folder'
      : found.uid !== process.getuid?.()
        ? `belongs to user ${found.uid}`
        : (found.mode & 0o077) !== 0
          ? 'is open to others: its mode must be 0700'
          : undefined
    if (wrong !== undefined) throw new Error(`arbiter: ${this.folder} ${wrong}`)
  }

  pathOf(number: number): string {
    return join(this.folder, `${this.#name}.${number}`)
  }

  /** For a socket that is not ready yet. */
  draft(tag: string): string {
    return join(this.folder, `${this.#name}.t${process.pid}-${tag}`)
  }

  /** Which number a file is for; `Infinity` for another file. */
  numberOf(entry: string): number {
    return Number(this.#numbered.exec(entry)?.[1] ?? Infinity)
  }

  /** The highest number there is; 0 for none. */
  get top(): number {
    const numbers = readdirSync(this.folder).map((entry) => this.numberOf(entry))
    return Math.max(0, ...numbers.filter((number) => number < Infinity))
  }

  /** Which file a number is just now. */
  inodeOf(number: number): number | undefined {
    return statSync(this.pathOf(number), { throwIfNoEntry: false })?.ino
  }

  /** Removes what is of no use any more once this number is in force. */
  tidy(number: number): void {
    const draft = new RegExp(`^${this.#name}\\.t(\\d+)-`)
    for (const entry of readdirSync(this.folder)) {
      const lower = this.numberOf(entry) < number
      const maker = Number(draft.exec(entry)?.[1] ?? 0)
      if (lower || (maker > 0 && !isAlive(maker))) remove(join(this.folder, entry))
    }
  }
}

/** Whether there is such a process; true also for one that has ended and nobody has taken note of. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Removes a file, if it is there. */
export function remove(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // Somebody else was faster.
  }
}
