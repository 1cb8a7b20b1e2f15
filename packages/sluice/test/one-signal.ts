import assert from 'node:assert/strict'
import { settle, watchedSignal } from './stream/settle.ts'

/** More than the eleven at which Node 20 warns of a leak. */
const TIMES = 20

/** A kind of thing that is begun with a signal, many times. */
export interface Uses {
  /** Begins one; settles when it is over, and rejects when it was called off. */
  begin(signal: AbortSignal): Promise<unknown>
  /** Lets those that were begun end by themselves. */
  finish(): unknown
}

/** Twenty at once with one signal: they share one listener, all end and leave none, and all hear of an abort. */
export async function shareOneSignal(uses: () => Uses | Promise<Uses>): Promise<void> {
  const warnings: string[] = []
  const warned = ({ name }: Error): void => void warnings.push(name)
  process.on('warning', warned)
  try {
    const { made, ends, controller, listeners } = await begun(uses)
    await made.finish()
    await Promise.all(ends)
    assert.deepEqual([listeners(), controller.signal.aborted], [0, false])
    const other = await begun(uses)
    const reason = new Error('gone')
    other.controller.abort(reason)
    for (const end of other.ends) await assert.rejects(end, reason)
    assert.equal(other.listeners(), 0)
    await settle()
    assert.deepEqual(warnings, [])
  } finally {
    process.off('warning', warned)
  }
}

interface Begun {
  readonly made: Uses
  readonly ends: readonly Promise<unknown>[]
  readonly controller: AbortController
  readonly listeners: () => number
}

async function begun(uses: () => Uses | Promise<Uses>): Promise<Begun> {
  const made = await uses()
  const { controller, listeners } = watchedSignal()
  const ends = Array.from({ length: TIMES }, () => made.begin(controller.signal))
  await settle()
  assert.equal(listeners(), 1, 'listeners while all are under way')
  return { made, ends, controller, listeners }
}
