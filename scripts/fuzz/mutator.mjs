// Inputs out of examples: each follows from the seed, the name of its target and its number alone, so that any one of
// them can be made again without the others.

const ODD = [
  '\0',
  '\r',
  '\n',
  '\r\n',
  '\t',
  ' ',
  '"',
  "'",
  '\\',
  '%',
  '${',
  '{',
  '}',
  '[',
  ']',
  ':',
  ';',
  ',',
  '=',
  '-',
]
const WIDE = ['\u00e9', '\u2028', '\ud83d\ude00', '\ud800', '\u202e', '\u009b', '\u001b[2J', '\u007f', '\ufeff']
const NUMBERS = ['0', '-1', '1e999', '9007199254740993', '00', '+1', '0x10', '1.5', '-0', '99999999999999999999', 'NaN']
const NAMES = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__']
const EDITS = 8
const LONGEST = 4096

/** Mulberry32 (T. Ettinger, 2017), begun from a text. */
export function randomOf(text) {
  let state = 2_166_136_261
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 16_777_619)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Input number `index` of a target. */
export function inputOf({ name, seeds, words = [] }, seed, index) {
  const random = randomOf(`${seed} ${name} ${index}`)
  const below = (most) => Math.floor(random() * most)
  const pick = (list) => list[below(list.length)]
  const piece = () => {
    const kind = below(10)
    if (kind < 4 && words.length > 0) return pick(words)
    if (kind < 6) return pick(ODD)
    if (kind === 6) return pick(WIDE)
    if (kind === 7) return pick(NUMBERS)
    if (kind === 8) return pick(NAMES)
    return String.fromCharCode(below(256))
  }
  if (random() < 0.15) {
    let text = ''
    for (let left = 1 + below(12); left > 0; left--) text += piece()
    return text
  }
  let text = pick(seeds)
  // Some go through as they are: what is right must stay right.
  for (let edits = below(EDITS + 1); edits > 0; edits--) text = edited(text)
  return text

  function edited(before) {
    const at = below(before.length + 1)
    const size = 1 + below(random() < 0.8 ? 4 : 64)
    switch (below(7)) {
      case 0:
        return before.slice(0, at) + before.slice(at + size)
      case 1:
        return before.slice(0, at) + piece() + before.slice(at)
      case 2:
        return before.slice(0, at) + piece() + before.slice(at + size)
      case 3: {
        const part = before.slice(at, at + size)
        const times = Math.min(1 + below(random() < 0.9 ? 4 : 400), Math.floor(LONGEST / (part.length + 1)))
        return before.slice(0, at) + part.repeat(times) + before.slice(at)
      }
      case 4: {
        const other = pick(seeds)
        return before.slice(0, at) + other.slice(below(other.length + 1))
      }
      case 5:
        return before.replace(/\d+/, () => pick(NUMBERS))
      default: {
        if (at >= before.length) return before
        const flipped = String.fromCharCode(before.charCodeAt(at) ^ (1 << below(8)))
        return before.slice(0, at) + flipped + before.slice(at + 1)
      }
    }
  }
}

/** Texts of about `size` characters that are made to be slow: every piece of a target over and over, in several places. */
export function* hostileShapes({ seeds, words = [] }, size) {
  const pieces = new Set([...words, ...ODD, 'a', '1', '(', '((a'])
  const few = [seeds[0] ?? '', '']
  for (const piece of pieces)
    for (const example of few) {
      const many = piece.repeat(Math.ceil(size / piece.length)).slice(0, size)
      if (example === '') yield many
      else {
        const half = example.length >> 1
        yield example.slice(0, half) + many + example.slice(half)
      }
    }
}
