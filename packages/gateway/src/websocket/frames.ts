/**
 * Follows the frames of a WebSocket (RFC 6455 §5.2) as their bytes pass, without holding any: only to know where one ends,
 * since nothing can be said of one's own in the middle of another's frame.
 */
export class Frames {
  /** Bytes of the present payload that are still to come. */
  #payload = 0
  #head: number[] = []

  /** True between two frames. */
  get whole(): boolean {
    return this.#payload === 0 && this.#head.length === 0
  }

  feed(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      if (this.#payload > 0) {
        const step = Math.min(this.#payload, chunk.length - at)
        this.#payload -= step
        at += step
        continue
      }
      this.#head.push(chunk[at++]!)
      const length = payloadOf(this.#head)
      if (length === undefined) continue
      this.#head = []
      this.#payload = length
    }
  }
}

/** The length of the payload; `undefined` as long as the head is not complete. */
function payloadOf(head: readonly number[]): number | undefined {
  const second = head[1]
  if (second === undefined) return undefined
  const mask = second >= 128 ? 4 : 0
  const short = second % 128
  const extended = short === 126 ? 2 : short === 127 ? 8 : 0
  if (head.length < 2 + extended + mask) return undefined
  if (extended === 0) return short
  return head.slice(2, 2 + extended).reduce((sum, octet) => sum * 256 + octet, 0)
}
