/** The eight groups of an IPv6 address; an IPv4 address is `::ffff:a.b.c.d`, so that both spellings are one. */
export type Address = readonly number[]

const OCTETS = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/
const GROUP = /^[0-9a-f]{1,4}$/i
/** The longest there is: IPv6 with an IPv4 tail, and a zone. */
const LONGEST = 64

/**
 * Reads an IPv4 or IPv6 address, strictly: no leading zeros, no ports, no names. A zone (`%eth0`) is left out: it means
 * nothing outside the host.
 */
export function parseAddress(text: string): Address | undefined {
  if (text.length > LONGEST) return undefined
  const zone = text.indexOf('%')
  if (zone !== -1) return text.includes(':') && zone < text.length - 1 ? parseAddress(text.slice(0, zone)) : undefined
  if (!text.includes(':')) {
    const v4 = groupsOfV4(text)
    return v4 && [0, 0, 0, 0, 0, 0xffff, ...v4]
  }
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = groupsOf(halves[0]!, halves.length === 1)
  const tail = halves.length === 2 ? groupsOf(halves[1]!, true) : []
  if (head === undefined || tail === undefined) return undefined
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  return [...head, ...Array.from({ length: missing }, () => 0), ...tail]
}

function groupsOf(text: string, last: boolean): number[] | undefined {
  if (text === '') return []
  const parts = text.split(':')
  const groups: number[] = []
  for (const [index, part] of parts.entries()) {
    const v4 = last && index === parts.length - 1 && part.includes('.') ? groupsOfV4(part) : undefined
    if (v4 !== undefined) groups.push(...v4)
    else if (GROUP.test(part)) groups.push(Number.parseInt(part, 16))
    else return undefined
  }
  return groups
}

function groupsOfV4(text: string): readonly [number, number] | undefined {
  const octets = OCTETS.exec(text)?.slice(1)
  if (octets === undefined) return undefined
  // 010 is eight to some and ten to others.
  if (octets.some((octet) => Number(octet) > 255 || (octet.length > 1 && octet.startsWith('0')))) return undefined
  const [a, b, c, d] = octets.map(Number) as [number, number, number, number]
  return [a * 256 + b, c * 256 + d]
}

/** One spelling for each address: dotted for IPv4, eight groups for IPv6. For keys, not for people. */
export function spell(address: Address): string {
  if (address.length === 8 && isV4(address)) {
    const [high, low] = [address[6]!, address[7]!]
    return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
  }
  return address.map((group) => group.toString(16)).join(':')
}

/** True for IPv4, however it was spelled. */
export function isV4(address: Address): boolean {
  return address[5] === 0xffff && address.slice(0, 5).every((group) => group === 0)
}

/** True when the first `bits` bits are the same. */
export function sharesPrefix(a: Address, b: Address, bits: number): boolean {
  for (let index = 0, left = bits; left > 0; index++, left -= 16) {
    const mask = left >= 16 ? 0xffff : (0xffff << (16 - left)) & 0xffff
    if (((a[index]! ^ b[index]!) & mask) !== 0) return false
  }
  return true
}

/** Whoever has one IPv6 address has the 2^64 beside it: they count as one. */
export function networkOf(text: string): string {
  const address = parseAddress(text)
  if (address === undefined) return text
  return isV4(address) ? spell(address) : `${spell(address.slice(0, 4))}::/64`
}
