/** Fences in a millisecond. */
const RATE = 4096
/** How far ahead of the wall clock one may be, in ms: a year. */
const AHEAD = 31_536_000_000

/** Fences begin above this. The wall clock may have been set back: what anybody has seen counts as well. */
export function fencesAt(wall: number): number {
  return Math.floor(wall) * RATE
}

/** What somebody says it has seen; 0 where that cannot be, or the numbers would come to their end. */
export function fenceSeen(fence: number, wall: number): number {
  return fence <= fencesAt(wall + AHEAD) ? fence : 0
}
