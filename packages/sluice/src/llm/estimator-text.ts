/**
 * What a text is made of, as far as it tells how many tokens it becomes. The order of the numbers in
 * {@link TokenMeasure.parts}; the last three are not text but what is written around it.
 */
export const PARTS = [
  'words',
  'tails',
  'digits',
  'marks',
  'markTails',
  'gaps',
  'han',
  'kana',
  'hangul',
  'letters',
  'symbols',
  'request',
  'messages',
  'tools',
] as const

export const MARKS: number = PARTS.indexOf('marks')
export const REQUEST: number = PARTS.indexOf('request')
export const MESSAGES: number = PARTS.indexOf('messages')
export const TOOLS: number = PARTS.indexOf('tools')

const LOWER = 0
const UPPER = 1
const DIGIT = 2
const MARK = 3
const SPACE = 4
// From here on characters are counted one by one, in the order of PARTS, two further on.
const HAN = 5
const KANA = 6
const HANGUL = 7
const LETTER = 8
const SYMBOL = 9
/** From a class that is counted by characters to its place in PARTS. */
const TO_PART = 1

const NEWLINE = 10
const BLANK = 32

/** A piece of a word this long is one token; what is longer is likely to be two. In characters. */
const SHORT = 5
/** Vocabularies have runs of one mark, and of white space, as one token up to about this length. */
const SAME_MARK = 8
const SAME_SPACE = 64

// A table for all 65,536 code units: a lookup costs the same for any script, where tests in order cost most for those
// that come last, and it is somebody else who chooses the script.
const CLASS = new Uint8Array(65_536).fill(LETTER)
for (const [kind, from, to] of [
  [SPACE, 0, 0x21],
  [MARK, 0x21, 0x7f],
  [DIGIT, 0x30, 0x3a],
  [UPPER, 0x41, 0x5b],
  [LOWER, 0x61, 0x7b],
  [SPACE, 0x7f, 0x80],
  [MARK, 0x80, 0xc0],
  [UPPER, 0xc0, 0xdf],
  [LOWER, 0xdf, 0x250],
  [SYMBOL, 0x2000, 0x2e80],
  [HAN, 0x2e80, 0xa000],
  [KANA, 0x3041, 0x3100],
  [HANGUL, 0xac00, 0xd7b0],
  [SYMBOL, 0xd800, 0xf900],
  [HAN, 0xf900, 0xfb00],
  [SYMBOL, 0xfe00, 0xfe10],
  [HAN, 0xff00, 0xfff0],
  [SYMBOL, 0xfff0, 0x10000],
] as const)
  CLASS.fill(kind, from, to)

/** Adds what `text` is made of between two places to `parts`. Linear, and the same few nanoseconds for any character. */
export function addText(parts: Float64Array, text: string, from: number, to: number): void {
  let words = 0
  let tails = 0
  let digits = 0
  let marks = 0
  let markTails = 0
  let gaps = 0
  let at = from
  while (at < to) {
    const first = text.charCodeAt(at)
    const kind = CLASS[first]!
    let start = at
    if (kind <= UPPER) {
      // Tokenizers cut a word where a capital follows a small letter; so a run of base64 is many short pieces.
      let last = kind
      words++
      while (++at < to) {
        const next = CLASS[text.charCodeAt(at)]!
        if (next > UPPER) break
        if (next > last) {
          if (at - start > SHORT) tails += at - start - SHORT
          start = at
          words++
        }
        last = next
      }
      if (at - start > SHORT) tails += at - start - SHORT
    } else if (kind === DIGIT) {
      while (++at < to && CLASS[text.charCodeAt(at)] === DIGIT);
      digits += Math.ceil((at - start) / 3)
    } else if (kind === MARK) {
      let same = true
      while (++at < to) {
        const next = text.charCodeAt(at)
        if (CLASS[next] !== MARK) break
        if (next !== first) same = false
      }
      marks++
      markTails += same ? (at - start - 1) / SAME_MARK : at - start - 1
    } else if (kind === SPACE) {
      let lines = first === NEWLINE ? 1 : 0
      while (++at < to) {
        const next = text.charCodeAt(at)
        if (CLASS[next] !== SPACE) break
        if (next === NEWLINE) lines++
      }
      const length = at - start
      // One blank belongs to the word behind it.
      if (length > 1 || first !== BLANK)
        gaps += length === 1 ? 1 : 1 + length / SAME_SPACE + (lines > 0 && length > lines ? 1 : 0)
    } else {
      while (++at < to && CLASS[text.charCodeAt(at)] === kind);
      parts[kind + TO_PART]! += at - start
    }
  }
  parts[0]! += words
  parts[1]! += tails
  parts[2]! += digits
  parts[3]! += marks
  parts[4]! += markTails
  parts[5]! += gaps
}
