import { checkWhole } from '../ground/index.ts'

/** For doors that see the connections their requests come by. */
export interface PerConnection {
  /**
   * How many requests of one connection may be in progress at once, a whole number of at least 1, or `Infinity`.
   * Pipelining starts as many as it likes otherwise. The others are held back, in order. Not under `dryRun`. Default 32.
   */
  readonly perConnection?: number
}

/**
 * How many requests of one connection are taken up at once.
 * @throws RangeError for one out of range
 */
export function mostPerConnection({
  perConnection = 32,
  dryRun = false,
}: PerConnection & { dryRun?: boolean }): number {
  if (perConnection !== Infinity) checkWhole('perConnection', perConnection, 1)
  return dryRun ? Infinity : perConnection
}
