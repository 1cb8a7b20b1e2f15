import { trust, type Trust } from 'sluice/http'

/** Link-local, and where clouds hand out the credentials of a machine to whoever asks from it. */
const V4 = [
  '169.254.0.0/16',
  // Alibaba, Oracle (classic), Azure.
  '100.100.100.200/32',
  '192.0.0.192/32',
  '168.63.129.16/32',
]
const V6 = [
  'fe80::/10',
  // Amazon: the machine's, and that of pods. Google.
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
  // 169.254.0.0/16 by 6to4.
  '2002:a9fe::/32',
]

/** IPv4 inside IPv6, as the two other notations have it that a network may translate; `::ffff:` counts as IPv4 anyway. */
function embedded(range: string): readonly string[] {
  const [address = '', bits = ''] = range.split('/')
  return ['::', '64:ff9b::'].map((prefix) => `${prefix}${address}/${96 + Number(bits)}`)
}

const RANGES: Trust = trust([...V4, ...V4.flatMap(embedded), ...V6])

/** True for an address at which only credentials are to be had. @param host as `URL.hostname` has it; false for a name */
export function isLinkLocal(host: string): boolean {
  return RANGES.believes(host.replaceAll(/[[\]]/g, ''))
}
