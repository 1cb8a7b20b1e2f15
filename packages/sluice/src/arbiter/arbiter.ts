import {
  checkNumber,
  checkOptions,
  checkText,
  checkWhole,
  refuseValue,
  systemClock,
  systemRandom,
  type Millis,
  type World,
} from '../ground/index.ts'
import type { BucketsCoordinator, SlotCoordinator, SlotNews } from '../coordinate/index.ts'
import { BucketsAsk, SlotsAsk } from './ask.ts'
import { Link } from './link.ts'
import { Place } from './place.ts'

export interface ArbiterOptions extends World {
  /**
   * Where the processes meet. Made where it is not there; has to be this user's alone (mode 0700). Default: `sluice-` and
   * the user's number, in the system's folder for temporary files.
   */
  readonly folder?: string
  /** Processes that give the same name share. Up to 32 letters, digits, `-` and `_`. Default `default`. */
  readonly name?: string
  /** How long an arbiter may be silent before the failure policy decides, in ms, from 200 to 60,000. Default 1000. */
  readonly lease?: Millis
  /**
   * For how long one that follows another grants nothing and hears what others hold, in ms, from 0 to 60,000. Less than
   * it takes them to say so means too many at once. Default 300.
   */
  readonly learning?: Millis
  /** How many processes it takes, this one included. A whole number from 2 to 10,000. Default 256. */
  readonly maxProcesses?: number
}

/** How the arbiter looks from this process. */
export interface ArbiterState {
  /** `host`: this process is it; `guest`: connected to it; `seeking`: neither, for now. */
  readonly role: 'host' | 'guest' | 'seeking' | 'closed'
  /** Other processes connected to this one. */
  readonly guests: number
  /** True while this process is the arbiter and only listens yet. */
  readonly learning: boolean
  /** Why it could be neither. */
  readonly trouble: string | undefined
}

/** The limits and buckets of several processes of one machine. */
export interface Arbiter extends Disposable {
  readonly buckets: BucketsCoordinator
  readonly state: ArbiterState
  /** Slots; whoever gives the same key shares them. A text of up to 1024 characters. */
  slots(key: string): SlotCoordinator
  /** Leaves. Gates that use it are to be closed before. */
  close(): void
}

/**
 * Shares limits between processes (or worker threads) of one user on one machine, without a server: one of them keeps
 * count for all, over a socket in a folder only this user may enter; when it ends, another does.
 * @throws RangeError for an option out of range; Error where the folder belongs to, or is open to, somebody else
 */
export function arbiter(options: ArbiterOptions = {}): Arbiter {
  const { clock = systemClock, random = systemRandom, folder, name = 'default' } = checkOptions('arbiter', options)
  if (folder !== undefined) checkText('arbiter.folder', folder)
  const lease = checkNumber('arbiter.lease', options.lease ?? 1000, 200, 60_000)
  const learning = checkNumber('arbiter.learning', options.learning ?? 300, 0, 60_000)
  const maxProcesses = checkWhole('arbiter.maxProcesses', options.maxProcesses ?? 256, 2, 10_000)
  const link = new Link({ place: new Place(folder, name), learning, maxProcesses, clock, random })
  return {
    buckets: bucketsOver(link),
    slots(key) {
      if (checkText('arbiter.slots', key).length > 1024) refuseValue('arbiter.slots', key, 'up to 1024 characters')
      return slotsOver(link, key, lease)
    },
    get state(): ArbiterState {
      const { role, guests, trouble } = link
      return { role, guests, learning: link.learning, trouble }
    },
    close: () => link.close(),
    [Symbol.dispose]: () => link.close(),
  }
}

function slotsOver(link: Link, key: string, lease: Millis): SlotCoordinator {
  return {
    lease,
    sync: (report, answer) => link.ask(new SlotsAsk(key, report, answer)),
    listen: (session, told: (news: SlotNews) => void, voided = () => {}) => link.listen(session, { told, voided }),
  }
}

function bucketsOver(link: Link): BucketsCoordinator {
  return {
    open: (budget, tenant, session, noticed) => {
      if (noticed !== undefined) link.notice(session, noticed)
      return {
        state: (statement) =>
          new Promise((resolve, reject) =>
            link.ask(new BucketsAsk([budget, tenant, session], statement, resolve, reject)),
          ),
        close: () => link.forget(session),
      }
    },
  }
}
