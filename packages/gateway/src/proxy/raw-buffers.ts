/** More than a loopback or a fast network hands over at once, in bytes. */
const SIZE = 131_072
/** Of one's own at most: 8 MiB. */
const MOST = 64

/**
 * What connections read into. A read is handled before the next one begins, on whichever connection, so one buffer does
 * for all as long as nothing is left in it.
 */
export const SHARED: Buffer = Buffer.allocUnsafeSlow(SIZE)

const free: Buffer[] = []
let lent = 0

/** A buffer of one's own, to be passed on as it is; `undefined` where there are enough of them. */
export function borrowBuffer(): Buffer | undefined {
  if (lent >= MOST) return undefined
  lent++
  return free.pop() ?? Buffer.allocUnsafeSlow(SIZE)
}

/** @param kept true where somebody may still look at what is in it: then it is not lent again */
export function returnBuffer(buffer: Buffer, kept: boolean): void {
  lent--
  if (!kept) free.push(buffer)
}
