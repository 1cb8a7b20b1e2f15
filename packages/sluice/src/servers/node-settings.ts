import type { Lane, Reader } from '../http/index.ts'
import { NodeEntrance, type NodeDoorOptions, type NodeProtection } from './node-entrance.ts'

/** What a route or a handler may have of its own. */
export interface NodeSettings<Ask> extends NodeDoorOptions<Ask> {
  /** How much it matters: instead of `classify`. */
  readonly lane?: Lane
}

/**
 * The entrance of a route beside the common one: it shares the common gate unless it brings a `gate` or a `limit`, and all
 * other options unless it says otherwise.
 * @throws RangeError for an option out of range, naming it
 */
export function entranceBeside<Ask>(
  common: NodeSettings<Ask>,
  shared: NodeProtection,
  settings: NodeSettings<Ask>,
  reader: Reader<Ask>,
): NodeEntrance<Ask> {
  // `dryRun` stays, also where the common gate is on trial already: more than the gate can hold a request back.
  const { gate: _gate, limit: _limit, ...rest } = common
  const apart = settings.gate !== undefined || settings.limit !== undefined
  return entranceOf({ ...rest, ...(!apart && { gate: shared.gate }), ...settings }, reader)
}

/** @throws RangeError for an option out of range, naming it */
export function entranceOf<Ask>({ lane, ...options }: NodeSettings<Ask>, reader: Reader<Ask>): NodeEntrance<Ask> {
  return new NodeEntrance({ ...options, ...(lane !== undefined && { classify: () => lane }) }, reader)
}
