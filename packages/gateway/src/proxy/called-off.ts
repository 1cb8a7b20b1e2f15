import { addAbortSignal, Readable } from 'node:stream'

/** Only an error of this kind, which cannot be made by others than Node, makes a reset with CANCEL of a destroyed stream. */
export const CALLED_OFF: Error = calledOff()

function calledOff(): Error {
  const stream = new Readable({ read() {} })
  stream.on('error', () => {})
  addAbortSignal(AbortSignal.abort(), stream)
  return stream.errored ?? new Error('called off')
}
