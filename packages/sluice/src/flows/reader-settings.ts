import { checkNumber, checkWhole, refuseValue } from '../ground/index.ts'
import type { LagPolicy, ReaderOptions } from './reader.ts'

const POLICIES: readonly LagPolicy[] = ['block', 'coalesce', 'drop-oldest', 'disconnect']

/** The options of a reader that have a default. */
export type ReaderSettings = Required<
  Pick<ReaderOptions<unknown>, 'policy' | 'capacity' | 'maxBytes' | 'maxStall' | 'grace'>
>

/** @throws RangeError for an option out of range; a policy must be given */
export function readerSettings<T>(options: ReaderOptions<T>): ReaderSettings {
  const { policy, capacity = 64, maxBytes = 2 ** 20, maxStall = 60_000, grace = 5000 } = options
  if (!POLICIES.includes(policy)) refuseValue('reader.policy', policy, `one of ${POLICIES.join(', ')}`)
  checkWhole('reader.capacity', capacity, 1, 2 ** 20)
  checkWhole('reader.maxBytes', maxBytes, 1)
  checkNumber('reader.maxStall', maxStall, Number.MIN_VALUE, Infinity)
  checkNumber('reader.grace', grace, 0)
  return { policy, capacity, maxBytes, maxStall, grace }
}
