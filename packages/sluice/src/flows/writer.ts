import { refuseValue } from '../ground/index.ts'
import { NodeWriter } from './node-writer.ts'
import { WebWriter } from './web-writer.ts'
import type { Writable, Writer, WriterOptions } from './writable.ts'

/**
 * A {@link Writer} for a `Writable` of Node, or for a `WritableStream`, which stays locked meanwhile.
 * @throws RangeError when it is neither; TypeError when a web stream is locked
 */
export function writer<T>(writable: Writable<T>, options: WriterOptions = {}): Writer<T> {
  if (typeof writable === 'object' && writable !== null) {
    if ('getWriter' in writable) return new WebWriter(writable.getWriter(), options)
    if ('write' in writable && 'on' in writable) return new NodeWriter(writable, options)
  }
  return refuseValue('writer.writable', writable, 'a Writable of Node or a WritableStream')
}
