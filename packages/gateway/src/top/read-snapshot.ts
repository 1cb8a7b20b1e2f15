import type { Millis } from 'sluice'
import type { Snapshot } from '../live/snapshot.ts'

/** Why there is nothing to show, in one line. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError'
}

const PATIENCE: Millis = 3000

/**
 * Asks a gateway for its snapshot.
 * @param admin the address of its admin port
 * @throws SnapshotError
 */
export async function readSnapshot(admin: URL, token: string | undefined): Promise<Snapshot> {
  let response
  try {
    response = await fetch(new URL('/snapshot', admin), {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(PATIENCE),
      redirect: 'error',
    })
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    throw new SnapshotError(
      `${admin.origin} does not answer: ${cause instanceof Error ? cause.message : String(cause)}`,
    )
  }
  if (response.status === 401 || response.status === 403)
    throw new SnapshotError(`${admin.origin} wants its admin token: --token, or SLUICE_ADMIN_TOKEN`)
  if (!response.ok)
    throw new SnapshotError(`${admin.origin} answers ${response.status}: is it the admin port of a gateway?`)
  try {
    const snapshot = (await response.json()) as Omit<Snapshot, 'version'> & { version: number }
    if (typeof snapshot.version !== 'number') throw new TypeError('no snapshot')
    if (snapshot.version !== 1)
      throw new SnapshotError(`${admin.origin} speaks version ${snapshot.version}, this is version 1`)
    return { ...snapshot, version: 1 }
  } catch (error) {
    if (error instanceof SnapshotError) throw error
    throw new SnapshotError(
      `${admin.origin} answers something else than a snapshot: is it the admin port of a gateway?`,
    )
  }
}
