import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isAlive, remove, type Place } from './place.ts'

/** A process, or a thread of one, that may hold something. */
export interface Member {
  readonly pid: number
  /** Different for each arbiter ever made. */
  readonly id: string
}

/** Entries of a roster that are read, at most. */
const MOST = 65_536

/**
 * Who may hold something an arbiter has granted, in a file beside its socket: written before anything is granted, so that
 * whoever comes next knows whom to hear first. A process that is dead holds nothing.
 */
export class Roster {
  readonly #path: string
  readonly #members = new Map<string, Member>()

  constructor(place: Place, number: number, members: readonly Member[]) {
    this.#path = `${place.pathOf(number)}.who`
    for (const member of members) this.#members.set(member.id, member)
    this.#write()
  }

  add(member: Member): void {
    if (this.#members.has(member.id)) return
    this.#members.set(member.id, member)
    this.#write()
  }

  remove(ids: Iterable<string>): void {
    let changed = false
    for (const id of ids) changed = this.#members.delete(id) || changed
    if (changed) this.#write()
  }

  #write(): void {
    const lines = [...this.#members.values()].map(({ pid, id }) => `${pid} ${id}\n`)
    try {
      writeFileSync(this.#path, lines.join(''), { mode: 0o600 })
    } catch {
      // Without it the next one listens only as long as it must.
    }
  }

  /** Who was written down by arbiters before this one, and is alive. */
  static before(place: Place, number: number): Member[] {
    const found = new Map<string, Member>()
    for (const entry of readdirSync(place.folder)) {
      const of = place.numberOf(entry.replace(/\.who$/, ''))
      if (!entry.endsWith('.who') || of >= number) continue
      for (const line of linesOf(join(place.folder, entry))) {
        const [pid = '', id = ''] = line.split(' ')
        if (found.size < MOST && Number(pid) > 0 && isAlive(Number(pid))) found.set(id, { pid: Number(pid), id })
      }
    }
    return [...found.values()]
  }

  /** Removes those of arbiters before this one. */
  static tidy(place: Place, number: number): void {
    for (const entry of readdirSync(place.folder))
      if (entry.endsWith('.who') && place.numberOf(entry.slice(0, -4)) < number) remove(join(place.folder, entry))
  }
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n')
  } catch {
    // Somebody has tidied up.
    return []
  }
}
