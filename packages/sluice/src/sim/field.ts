import { checkNumber, checkWhole, refuseValue } from '../ground/index.ts'

/** A value of a document and where it stands in it, so that whatever is wrong with it can be said in one line. */
export class Field {
  readonly path: string
  readonly value: unknown

  constructor(path: string, value: unknown) {
    this.path = path
    this.value = value
  }

  /** @throws RangeError naming path, value and what was expected */
  refuse(expected: string): never {
    if (typeof this.value === 'object')
      throw new RangeError(`${this.path}: expected ${expected}, got ${JSON.stringify(this.value)}`)
    refuseValue(this.path, this.value, expected)
  }

  /** A mapping with no other keys than these. @throws RangeError */
  keys(...known: readonly string[]): this {
    if (typeof this.value !== 'object' || this.value === null || Array.isArray(this.value)) this.refuse('a mapping')
    for (const key of Object.keys(this.value))
      if (!known.includes(key)) this.at(key).refuse(`a field there is (${known.join(', ')})`)
    return this
  }

  /** A field that must be there; what is missing fails at its own check. */
  at(key: string): Field {
    return new Field(this.#at(key), (this.value as Record<string, unknown>)[key])
  }

  /** A field that may be missing. */
  maybe(key: string): Field | undefined {
    const field = this.at(key)
    return field.value === undefined ? undefined : field
  }

  /** Another value that stands in the same place. */
  part(value: unknown): Field {
    return new Field(this.path, value)
  }

  /** @throws RangeError */
  number(min: number, max?: number): number {
    return checkNumber(this.path, this.value, min, max)
  }

  /** @throws RangeError */
  whole(min: number, max?: number): number {
    return checkWhole(this.path, this.value, min, max)
  }

  /** @throws RangeError */
  text(): string {
    return typeof this.value === 'string' && this.value !== '' ? this.value : this.refuse('a text')
  }

  /** @throws RangeError */
  truth(): boolean {
    return typeof this.value === 'boolean' ? this.value : this.refuse('true or false')
  }

  /** @throws RangeError */
  oneOf<T extends string>(...options: readonly T[]): T {
    const found = options.find((option) => option === this.value)
    return found ?? this.refuse(`one of ${options.join(', ')}`)
  }

  /** The members of a list of at least `least`. @throws RangeError */
  list(least: number = 0): Field[] {
    if (!Array.isArray(this.value) || this.value.length < least)
      this.refuse(least === 0 ? 'a list' : `a list of at least ${least}`)
    return this.value.map((value, index) => new Field(`${this.path}[${index}]`, value))
  }

  #at(key: string): string {
    return this.path === '' ? key : `${this.path}.${key}`
  }
}
