import { chmodSync, linkSync, statSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { remove, type Place } from './place.ts'
import { Roster, type Member } from './roster.ts'

/** Rounds before it is left for later. */
const ROUNDS = 16
/** Only this user may connect. The other one says besides: whoever was here left in order, and nobody was with it. */
const [PRIVATE, VACATED] = [0o600, 0o700]

/** What came of looking for an arbiter: the way to it, or the duty to be it. */
export type Found =
  | { readonly socket: Socket }
  | {
      readonly server: Server
      readonly number: number
      readonly inode: number
      /** True where others may hold something that whoever was here before has granted. */
      readonly follows: boolean
      /** Who may. */
      readonly roster: Roster
      readonly missing: readonly Member[]
    }

/**
 * Finds whoever listens on the highest number, or takes the next: a socket is made ready under another name and then
 * linked to it, which only one can do. The kernel knows if somebody listens; no file says who is alive, none goes stale.
 * @throws Error where neither succeeds for now
 */
export async function seek(place: Place, self: Member, welcome: (socket: Socket) => void): Promise<Found> {
  place.prepare()
  for (let round = 0; round < ROUNDS; round++) {
    const { top } = place
    if (top > 0) {
      const socket = await connected(place.pathOf(top))
      if (socket !== undefined) return { socket }
    }
    const found = await takeOver(place, top, self, welcome)
    if (found !== undefined) return found
  }
  throw new Error('arbiter: others are quicker, time after time')
}

/** Nothing where nobody listens there. */
function connected(path: string): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.removeAllListeners('error')
      resolve(socket)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(undefined)
      else reject(error)
    })
  })
}

async function takeOver(
  place: Place,
  top: number,
  self: Member,
  welcome: (socket: Socket) => void,
): Promise<Found | undefined> {
  const draft = place.draft(self.id)
  const server = createServer(welcome)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    // In a worker of node:cluster, too, by itself: the first process may be the one that is gone.
    server.listen({ path: draft, exclusive: true }, resolve)
  })
  server.removeAllListeners('error').on('error', () => {})
  const number = top + 1
  const path = place.pathOf(number)
  // From here to the end without a pause, so that nobody is let in before it is sure who is in charge.
  try {
    chmodSync(draft, PRIVATE)
    linkSync(draft, path)
  } catch (error) {
    server.close()
    remove(draft)
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined
    throw error
  }
  remove(draft)
  const inode = place.inodeOf(number)
  if (place.top > number || inode === undefined) {
    // The list was old: this number has been, and been superseded.
    server.close()
    remove(path)
    return undefined
  }
  const follows = top > 0 && !isVacated(place.pathOf(top))
  const missing = Roster.before(place, number).filter(({ id }) => id !== self.id)
  const roster = new Roster(place, number, [self, ...missing])
  place.tidy(number)
  Roster.tidy(place, number)
  return { server, number, inode, follows, roster, missing }
}

/** Leaves word that nobody holds anything. */
export function vacate(place: Place, number: number): void {
  try {
    chmodSync(place.pathOf(number), VACATED)
  } catch {
    // Then whoever comes next listens for a while in vain.
  }
}

function isVacated(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false })
  return found !== undefined && (found.mode & 0o777) === VACATED
}
