import { refuseValue, type Millis, type Priority } from '../ground/index.ts'
import { isV4, parseAddress, sharesPrefix, spell, type Address } from './address.ts'
import { timeLeft } from './time-left.ts'
import { urgency } from './urgency.ts'

interface Range {
  readonly address: Address
  readonly bits: number
}

const NAMED: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}

/** More entries than any chain of proxies has; whoever sends more is not one. */
const MOST_HOPS = 32

/** What a request asks for in headers that count only where its peer is believed. */
export interface Wishes {
  /** By its `priority` (RFC 9218). */
  readonly priority: Priority | undefined
  /** How long its caller will wait, in ms. */
  readonly timeLeft: Millis | undefined
}

/** Whose headers are believed, and what they say. Made by {@link trust}. */
export interface Trust {
  /** True for the peer of a connection that is one of the operator's own. */
  believes(peer: string | undefined): boolean
  /**
   * Who really asks: the peer, unless that is believed; then the rightmost address of `x-forwarded-for` that is not,
   * since each believed proxy adds whom it saw on the right and everything further left may be invented.
   * @param forwarded the value of `x-forwarded-for`
   * @returns one spelling for each address; the peer as it is where it is no address
   */
  client(peer: string | undefined, forwarded: string | undefined): string | undefined
  /** Reads what a request of a believed peer asks for. */
  wishes(header: (name: string) => string | undefined): Wishes
}

/**
 * Believes peers by address. Entries are addresses, ranges (`10.0.0.0/8`, `fd00::/8`) or `loopback`, `linklocal`,
 * `private`. IPv4 written as IPv6 (`::ffff:10.0.0.1`) is the IPv4 address.
 * @throws RangeError for an entry that is none of these, naming it
 */
export function trust(entries: readonly string[]): Trust {
  if (!Array.isArray(entries)) refuseValue('trust', entries, 'a list')
  const ranges = entries.flatMap((entry) =>
    ((Object.hasOwn(NAMED, entry) && NAMED[entry]) || [entry]).map((one) => rangeOf(one)),
  )
  const within = (address: Address): boolean => ranges.some((range) => sharesPrefix(address, range.address, range.bits))
  return new Ranges(within, ranges.length === 0)
}

class Ranges implements Trust {
  readonly #within: (address: Address) => boolean
  /** Most believe nobody, and an address takes a while to read. */
  readonly #nobody: boolean

  constructor(within: (address: Address) => boolean, nobody: boolean) {
    this.#within = within
    this.#nobody = nobody
  }

  believes(peer: string | undefined): boolean {
    if (this.#nobody) return false
    const address = peer === undefined ? undefined : parseAddress(peer)
    return address !== undefined && this.#within(address)
  }

  client(peer: string | undefined, forwarded: string | undefined): string | undefined {
    let nearest = peer === undefined ? undefined : parseAddress(peer)
    if (nearest === undefined) return peer
    let rest = forwarded ?? ''
    for (let hops = 0; this.#within(nearest) && rest !== '' && hops < MOST_HOPS; hops++) {
      const comma = rest.lastIndexOf(',')
      const next = parseAddress(withoutPort(rest.slice(comma + 1).trim()))
      // What a believed proxy passes on but nobody can read tells of nobody: the proxy itself is the last that is known.
      if (next === undefined) break
      nearest = next
      rest = comma === -1 ? '' : rest.slice(0, comma)
    }
    return spell(nearest)
  }

  wishes(header: (name: string) => string | undefined): Wishes {
    return { priority: urgency(header('priority')), timeLeft: timeLeft(header) }
  }
}

/** Some proxies add the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function withoutPort(text: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text)
  if (bracketed !== null) return bracketed[1]!
  return /^[\d.]+:\d{1,5}$/.test(text) ? text.slice(0, text.indexOf(':')) : text
}

function rangeOf(entry: string): Range {
  const slash = entry.indexOf('/')
  const address = parseAddress(slash === -1 ? entry : entry.slice(0, slash))
  const expected = "an address, a range like 10.0.0.0/8, or 'loopback', 'linklocal', 'private'"
  if (address === undefined) return refuseValue('trust', entry, expected)
  const most = isV4(address) && !entry.includes(':') ? 32 : 128
  const bits = slash === -1 ? most : Number(entry.slice(slash + 1))
  if (slash !== -1 && !/^\d{1,3}$/.test(entry.slice(slash + 1))) refuseValue('trust', entry, expected)
  if (bits > most) refuseValue('trust', entry, expected)
  return { address, bits: bits + (most === 32 ? 96 : 0) }
}
