/** The middle one; of an even number the higher of the two in the middle. */
export function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1]
}

/** As it stands on the page: what is judged is what is printed. */
export const share = (value) => value.toFixed(3)
export const millis = (value) => (value < 100 ? value.toFixed(1) : value.toFixed(0))
export const seconds = (value) => (value === Infinity ? 'never' : value.toFixed(2))

/** The number a cell says. */
export const numberOf = (text) => (text === 'never' ? Infinity : Number(text))
