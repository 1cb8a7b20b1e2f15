import { addText, MARKS, MESSAGES, PARTS, REQUEST, TOOLS } from './estimator-text.ts'

/** How many characters of one call are looked at; of more, so many in equal pieces spread over all of it. */
const LOOKED_AT = 65_536
/** How long such a piece is, in characters. Pieces cut words at their ends, so they may not be short. */
const PIECE = 1024

/**
 * What a request or an answer is made of: the numbers an estimate needs, and nothing of the text. A hundred bytes or so
 * that can be kept until the provider tells how many tokens it really was.
 */
export class TokenMeasure {
  /** How much there is of each of {@link PARTS}. */
  readonly parts: Float64Array = new Float64Array(PARTS.length)
  /** Tokens of pictures, sound and files, by a table: nothing is learned about them. */
  media = 0

  /** Nothing is kept of the text. Above 65,536 characters it is sampled: never more than about half a ms. */
  text(text: string): this {
    if (text.length > LOOKED_AT) return this.#sample(text, LOOKED_AT / text.length)
    addText(this.parts, text, 0, text.length)
    return this
  }

  /** Many texts, which share one allowance of 65,536 characters to look at. */
  texts(texts: readonly string[]): this {
    let all = 0
    for (const text of texts) all += text.length
    if (all <= LOOKED_AT) {
      for (const text of texts) addText(this.parts, text, 0, text.length)
      return this
    }
    const share = LOOKED_AT / all
    const skipped = new Float64Array(PARTS.length)
    for (const text of texts) {
      if (text.length > PIECE) this.#sample(text, share)
      else addText(skipped, text, 0, Math.ceil(text.length * share))
    }
    for (let part = 0; part < skipped.length; part++) this.parts[part]! += skipped[part]! / share
    return this
  }

  /** Marks that stand in no text: those around the keys of what is shown as JSON. */
  marks(count: number): this {
    this.parts[MARKS]! += count
    return this
  }

  /** What is written around a whole request, whatever is in it. */
  request(): this {
    this.parts[REQUEST]!++
    return this
  }

  /** What is written around each message of a chat. */
  messages(count: number): this {
    this.parts[MESSAGES]! += count
    return this
  }

  /** What is written around the description of each tool. */
  tools(count: number): this {
    this.parts[TOOLS]! += count
    return this
  }

  #sample(text: string, share: number): this {
    const wanted = Math.max(1, Math.ceil((text.length * share) / PIECE))
    const stride = text.length / wanted
    const length = Math.min(PIECE, Math.ceil(text.length * share))
    const seen = new Float64Array(PARTS.length)
    for (let piece = 0; piece < wanted; piece++) {
      const from = Math.floor(piece * stride)
      addText(seen, text, from, Math.min(text.length, from + length))
    }
    const times = text.length / (wanted * length)
    for (let part = 0; part < seen.length; part++) this.parts[part]! += seen[part]! * times
    return this
  }
}
