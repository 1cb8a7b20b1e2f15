import { networkOf } from './address.ts'
import type { Caller } from './caller.ts'

/** For `key`: fair to addresses, and to networks of IPv6, of which whoever has one address has 2^64. */
export function byAddress({ address }: Pick<Caller<unknown>, 'address'>): string | undefined {
  return address === undefined ? undefined : networkOf(address)
}
