/**
 * The one of some words that was probably meant, if any.
 * @param most so many of its letters may be wrong. Default: a third of them
 */
export function didYouMean(word: string, words: readonly string[], most?: number): string | undefined {
  // No known word is longer: what somebody else wrote may be.
  if (word.length > 40) return undefined
  let best: string | undefined
  let least = Infinity
  for (const each of words) {
    const away = distance(word.toLowerCase(), each.toLowerCase())
    if (away < least) [best, least] = [each, away]
  }
  return best !== undefined && least <= (most ?? Math.max(1, Math.floor(best.length / 3))) ? best : undefined
}

/** Letters to insert, remove or change (Levenshtein, 1965); two neighbours that changed places count as one. */
function distance(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const changed = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      let least = Math.min(changed, row[j]! + 1, next[j - 1]! + 1)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, before[j - 2]! + 1)
      next.push(least)
    }
    before = row
    row = next
  }
  return row.at(-1)!
}
