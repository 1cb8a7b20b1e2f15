// The numbers behind a picture, and the place of them in the pages: what the docs say is what the command prints.

/** Lines as they are printed: a name and a value each. */
export function table(numbers) {
  const widest = Math.max(...numbers.map(([label]) => label.length))
  return numbers.map(([label, value]) => `${label.padEnd(widest)}  ${value}\n`).join('')
}

/** A page with the figures of one picture brought up to date: the block after `<!-- figures: name -->`. */
export function withFigures(page, subject, name, numbers) {
  const mark = `<!-- figures: ${name} -->\n`
  const [before, after] = page.split(mark)
  if (after === undefined) return page
  const rest = after.replace(/^```text\n[\s\S]*?^```\n/m, '')
  return `${before}${mark}\`\`\`text\n$ npm run pictures -- ${subject}\n${table(numbers)}\`\`\`\n${rest.startsWith('\n') ? '' : '\n'}${rest}`
}
