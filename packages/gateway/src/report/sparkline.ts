const BLOCKS = '▁▂▃▄▅▆▇█'

/**
 * A line of blocks for values over time: each the mean of its part, on a scale from 0. A gap where nothing is known.
 * @param width characters at most
 * @param top what the highest block stands for; above 0, or all are lowest
 */
export function sparkline(values: readonly (number | null)[], width: number, top: number): string {
  return thinned(values, width)
    .map((mean) => (mean === null ? ' ' : BLOCKS[block(mean, top)]!))
    .join('')
}

/** Means of at most so many parts of equal length. */
export function thinned(values: readonly (number | null)[], parts: number): (number | null)[] {
  const count = Math.min(parts, values.length)
  return Array.from({ length: count }, (_, index) => {
    const from = Math.floor((index * values.length) / count)
    const to = Math.floor(((index + 1) * values.length) / count)
    const part = values.slice(from, to).filter((value) => value !== null)
    return part.length === 0 ? null : part.reduce((sum, value) => sum + value, 0) / part.length
  })
}

function block(mean: number, top: number): number {
  return top > 0 ? Math.min(BLOCKS.length - 1, Math.max(0, Math.round((mean / top) * (BLOCKS.length - 1)))) : 0
}
