/** What an answer says, and how many tokens that is. */
export interface Wording {
  /** Tokens it has when nobody cuts it short. */
  readonly length: number
  /** The text of tokens `from` up to, but without, `to`. */
  slice(from: number, to: number): string
}

const WORDS = ['the', 'gate', 'opens', 'for', 'whoever', 'can', 'be', 'served', 'and', 'says', 'no', 'to', 'others']

/** So many words, each one token, always the same ones. */
export function prose(length: number): Wording {
  return {
    length,
    slice: (from, to) => {
      let text = ''
      for (let index = from; index < Math.min(to, length); index++)
        text += index === 0 ? WORDS[0]! : ` ${WORDS[index % WORDS.length]!}`
      return text
    },
  }
}

const PIECE = 4

/** A text of its own, such as JSON; four characters are a token. */
export function verbatim(text: string): Wording {
  const length = Math.max(1, Math.ceil(text.length / PIECE))
  return { length, slice: (from, to) => text.slice(from * PIECE, to * PIECE) }
}
