// What is printed: what was measured, the bar, and whether it was met.

export function figure(value) {
  if (value === Infinity) return 'never'
  if (Number.isNaN(value)) return '–'
  return value >= 1000 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)))
}

export function heading(what) {
  process.stdout.write(`\n${what}\n`)
}

/** One line: who, what was found, and, for Sluice, the bar and how it compares. `met` is undefined where no bar is set. */
export function row(who, found, bar, met) {
  const verdict = met === undefined ? '' : `bar ${bar}: ${met ? 'met' : 'MISSED'}`
  process.stdout.write(`  ${who.padEnd(18)}${found.padEnd(60)} ${verdict}`.trimEnd() + '\n')
}
