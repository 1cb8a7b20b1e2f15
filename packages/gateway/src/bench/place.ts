import { startChild, type Child } from '../demo/child.ts'
import { GATE, POOL, WORK } from './setting.ts'
import type { Sample } from './tape.ts'

/** Where load goes. */
export interface Place {
  readonly url: string
  /** What is held there now; nothing where it cannot be seen. */
  look(): Omit<Sample, 'at' | 'users'> | undefined
  /** Settles when a part of it is gone, with one sentence about it. Never for a place that is not ours. */
  readonly gone: Promise<string>
  /** Ends what was started for it. Idempotent. */
  leave(): Promise<void>
}

/** Somebody else's service. */
export function target(url: string): Place {
  return { url, look: () => undefined, gone: new Promise(() => {}), leave: async () => {} }
}

/**
 * The built-in service behind a gateway, each a process of its own on a free loopback port.
 * @param protect false: the same gateway lets everybody in
 * @throws Error when a part cannot start; then nothing is left running
 */
export async function builtIn(protect: boolean): Promise<Place> {
  const children: Child[] = []
  const leave = async (): Promise<void> => {
    await Promise.all(children.map((child) => child.stop()))
  }
  try {
    const service = await startChild({ role: 'upstream', slots: POOL, service: WORK })
    children.push(service)
    const upstream = `http://127.0.0.1:${service.port}`
    const gateway = await startChild({ role: 'gateway', upstream, protect, plan: GATE })
    children.push(gateway)
    return {
      url: `http://127.0.0.1:${gateway.port}/`,
      look() {
        const { inflight, queued, admissions = 0, waitTotal = 0 } = gateway.load
        return { inflight, queued, backlog: service.load.queued, admissions, waitTotal }
      },
      gone: Promise.race([service.gone, gateway.gone]),
      leave,
    }
  } catch (error) {
    await leave()
    throw error
  }
}
