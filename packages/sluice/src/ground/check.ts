/** Throws one clear line that names the field, the value and what was expected. */
export function refuseValue(field: string, value: unknown, expected: string): never {
  throw new RangeError(`${field}: expected ${expected}, got ${named(value)}`)
}

/** Not the source of a function, and not whatever is in a list. */
function named(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'function') return 'a function'
  return Array.isArray(value) ? `a list of ${value.length}` : String(value)
}

/** A finite number in `[min, max]`. @throws RangeError naming `field` */
export function checkNumber(field: string, value: unknown, min: number, max: number = Number.MAX_VALUE): number {
  if (typeof value !== 'number' || !(value >= min && value <= max))
    refuseValue(field, value, `a number ${rangeOf(min, max)}`)
  return value
}

/** In words. The least there is above 0 is how options say "above 0". */
function rangeOf(min: number, max: number): string {
  const above = min === Number.MIN_VALUE
  if (max === Number.MAX_VALUE) return above ? 'above 0' : `of at least ${min}`
  return above ? `above 0 up to ${max}` : `from ${min} to ${max}`
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

/** Options, whatever is in them: not the one number somebody meant by them. @throws RangeError naming `owner` */
export function checkOptions<O extends object>(owner: string, options: O): O {
  if (typeof options !== 'object' || options === null) refuseValue(owner, options, 'an object of options')
  return options
}

/** Something made elsewhere, known by what it can do. @param expected where it comes from @throws RangeError naming `field` */
export function checkAble<T extends object>(field: string, value: T, expected: string, ...can: (keyof T)[]): T {
  if (typeof value !== 'object' || value === null || can.some((method) => typeof value[method] !== 'function'))
    refuseValue(field, value, expected)
  return value
}

/** A text that says something. @throws RangeError naming `field` */
export function checkText(field: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') refuseValue(field, value, 'a text that is not empty')
  return value
}

/** Something to call. @throws RangeError naming `field` */
export function checkFunction<F>(field: string, value: F): F {
  if (typeof value !== 'function') refuseValue(field, value, 'a function')
  return value
}
