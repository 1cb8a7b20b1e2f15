const GOLDEN = (Math.sqrt(5) - 1) / 2

/** The `turn`-th of numbers spread evenly over [0, 1): a limit algorithm is a pure fold and may not throw dice. */
export function chance(turn) {
  return ((turn + 1) * GOLDEN) % 1
}
