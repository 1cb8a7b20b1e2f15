/** Throws one clear line that names the field, the value and what was expected. */
export function refuseValue(field: string, value: unknown, expected: string): never {
  throw new RangeError(
    `${field}: expected ${expected}, got ${typeof value === 'string' ? JSON.stringify(value) : String(value)}`,
  )
}

/** A finite number in `[min, max]`. @throws RangeError naming `field` */
export function checkNumber(field: string, value: unknown, min: number, max: number = Number.MAX_VALUE): number {
  if (typeof value !== 'number' || !(value >= min && value <= max))
    refuseValue(
      field,
      value,
      max === Number.MAX_VALUE ? `a number of at least ${min}` : `a number from ${min} to ${max}`,
    )
  return value
}

/** A whole number in `[min, max]`. @throws RangeError naming `field` */
export function checkWhole(field: string, value: unknown, min: number, max: number = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max)
    refuseValue(
      field,
      value,
      max === Number.MAX_SAFE_INTEGER ? `a whole number of at least ${min}` : `a whole number from ${min} to ${max}`,
    )
  return value
}
