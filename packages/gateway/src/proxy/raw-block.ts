/** Of a head or of trailers, in bytes: what node:http allows by default. */
export const LONGEST_BLOCK = 16_384

/** Heads are shorter nearly always: more of a large read need not become text. */
const USUAL = 2048
const END = '\r\n\r\n'
/** What cannot become right however much follows. */
const WRONG = /\0|\r(?!\n|$)|(?<!\r)\n/g

/** Collects text up to an empty line, wherever it was cut into pieces. */
export class RawBlock {
  /** So far; when complete, with the empty line. */
  text = ''
  complete = false
  flaw: string | undefined

  /** @param before taken as read: `\r\n` where the empty line may come at once */
  reset(before: '' | '\r\n' = ''): void {
    this.text = before
    this.complete = false
    this.flaw = undefined
  }

  /** Takes what belongs to it. @returns where in `chunk` it ends */
  take(chunk: Buffer, at: number): number {
    const before = this.text.length
    if (before === 0) {
      const start = chunk.toString('latin1', at, Math.min(chunk.length, at + USUAL))
      const end = start.indexOf(END)
      if (end >= 0) return this.#end(start, end, at)
    }
    const most = at + LONGEST_BLOCK + 1 - before
    const text = this.text + chunk.toString('latin1', at, Math.min(chunk.length, most))
    const end = text.indexOf(END, Math.max(0, before - 3))
    if (end >= 0 && end + 4 <= LONGEST_BLOCK) return this.#end(text, end, at - before)
    this.text = text
    if (text.length > LONGEST_BLOCK) this.flaw = 'too long a head'
    else if (isWrong(text, Math.max(0, before - 1))) this.flaw = 'a stray CR, LF or NUL'
    return chunk.length
  }

  #end(text: string, end: number, at: number): number {
    this.text = text.slice(0, end + 4)
    this.complete = true
    return at + end + 4
  }
}

function isWrong(text: string, from: number): boolean {
  WRONG.lastIndex = from
  return WRONG.test(text)
}
