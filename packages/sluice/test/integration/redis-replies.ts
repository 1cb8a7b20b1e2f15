/** Splits what a server said into whole replies, and what has begun of the next. RESP 2 and 3. */
export function splitReplies(bytes: Buffer): { readonly replies: Buffer[]; readonly left: Buffer } {
  const replies: Buffer[] = []
  let from = 0
  for (;;) {
    const to = endOf(bytes, from)
    if (to < 0) return { replies, left: bytes.subarray(from) }
    replies.push(bytes.subarray(from, to))
    from = to
  }
}

/** Where the value that begins here ends, or -1 where it is not all there. */
function endOf(bytes: Buffer, from: number): number {
  const line = bytes.indexOf('\r\n', from)
  if (line < 0) return -1
  const kind = String.fromCharCode(bytes[from]!)
  const count = Number(bytes.toString('latin1', from + 1, line))
  let end = line + 2
  if ('$=!'.includes(kind)) {
    if (count < 0) return end
    end += count + 2
    return end <= bytes.length ? end : -1
  }
  if (!'*%~>|'.includes(kind)) return end
  // An attribute comes before the value it belongs to.
  const values = '%|'.includes(kind) ? count * 2 + (kind === '|' ? 1 : 0) : count
  for (let value = 0; value < values && end >= 0; value++) end = endOf(bytes, end)
  return end
}
