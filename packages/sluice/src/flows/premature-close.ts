/** What waits are told of a stream that closed before it was finished, where it gives no error of its own. */
export function prematureClose(): Error {
  // The code Node's own pipeline uses, so that whoever already looks for it finds it.
  return Object.assign(new Error('the stream closed before it was finished'), { code: 'ERR_STREAM_PREMATURE_CLOSE' })
}
