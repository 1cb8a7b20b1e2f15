import { seeded } from '../../src/ground/index.ts'

/** Texts that are hard on tokenizers, each of so many UTF-16 units. */
export function hostileTexts(size: number): Readonly<Record<string, string>> {
  const random = seeded(1)
  const many = (make: () => string): string => Array.from({ length: size }, make).join('').slice(0, size)
  return {
    'one letter': 'a'.repeat(size),
    'random letters': many(() => String.fromCharCode(97 + Math.floor(random() * 26))),
    'letters in turn': many(() => String.fromCharCode((random() < 0.5 ? 65 : 97) + Math.floor(random() * 26))),
    digits: many(() => String(Math.floor(random() * 10))),
    'CJK without a stop': many(() => String.fromCharCode(0x4e00 + Math.floor(random() * 20_000))),
    emoji: '😀'.repeat(size / 2),
    'lone surrogates': '\ud83d'.repeat(size),
    punctuation: many(() => '!?#$%&/(=[{'.charAt(Math.floor(random() * 11))),
    blanks: ' '.repeat(size),
    'line breaks': '\n'.repeat(size),
    'a letter and a blank': 'a '.repeat(size / 2),
    'random code units': many(() => String.fromCharCode(Math.floor(random() * 65_536))),
  }
}
