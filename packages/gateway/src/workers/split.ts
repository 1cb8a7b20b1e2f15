/**
 * Divides a limit among workers by what they have in progress and waiting. Where that fits, what is left over is divided
 * evenly, so that whoever comes anywhere finds room; where it does not, each has its share of it. Nobody has less than 1:
 * one that was idle must be able to begin, which is at most one too many for each.
 * @param limit of all together, at least 1
 * @param wants what each has in progress and waiting
 * @returns as many whole numbers of at least 1
 */
export function split(limit: number, wants: readonly number[]): readonly number[] {
  const total = wants.reduce((sum, want) => sum + want, 0)
  const spare = Math.max(0, limit - total) / wants.length
  const scale = total > limit ? limit / total : 1
  let owed = 0
  return wants.map((want) => {
    // What rounding takes from one is owed to the next.
    owed += want * scale + spare
    const permits = Math.floor(owed + 1e-9)
    owed -= permits
    return Math.max(1, permits)
  })
}
