/** What a line of a log may be long, in characters; no more than that is ever held. */
export const LONGEST_LINE = 16_384
/** One more shows that it is too long, and one more may be a return that does not count. */
const HELD = LONGEST_LINE + 2

/**
 * The lines of a stream of text, without their ends. Of a longer one only as much comes as shows that it is too long.
 * @param chunks cut anywhere
 */
export async function* logLines(chunks: AsyncIterable<string>): AsyncGenerator<string, void, undefined> {
  let line = ''
  for await (const chunk of chunks) {
    let from = 0
    for (;;) {
      const end = chunk.indexOf('\n', from)
      if (line.length < HELD) line += chunk.slice(from, Math.min(end < 0 ? Infinity : end, from + HELD))
      if (end < 0) break
      yield line.endsWith('\r') ? line.slice(0, -1) : line
      line = ''
      from = end + 1
    }
  }
  if (line !== '') yield line
}
