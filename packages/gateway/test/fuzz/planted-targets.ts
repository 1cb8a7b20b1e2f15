import type { FuzzTarget } from '../../../sluice/dist/test/fuzz/fuzz-target.js'

/** Parsers with one fault each: what `scripts/fuzz.mjs --planted` must find, or it finds nothing. */
const kept: string[] = []

const parser = (name: string, check: (input: string) => void): FuzzTarget => ({
  name,
  weight: 1,
  seeds: ['a=1&b=2', 'name=value'],
  words: ['&', '=', '%', '__proto__'],
  check,
})

export const targets: readonly FuzzTarget[] = [
  parser('crash', (input) => {
    if (input.includes('%')) throw new TypeError('cannot read properties of undefined')
  }),
  parser('pollution', (input) => {
    const data: Record<string, Record<string, string>> = {}
    for (const pair of input.split('&')) {
      const [key = '', value = ''] = pair.split('=')
      if (key !== '__proto__') continue
      data[key]!['planted'] = value
    }
  }),
  parser('quadratic', (input) => {
    let steps = 0
    for (let at = 0; at < input.length; at++) if (input[at] === '&') for (let back = 0; back < at; back += 8) steps++
    if (steps < 0) throw new Error('never')
  }),
  parser('memory', (input) => {
    kept.push(input + 'x'.repeat(100_000).split('').join('y'))
  }),
  parser('hang', (input) => {
    for (let at = 0; at < input.length;) if (input[at] !== '%') at++
  }),
]
