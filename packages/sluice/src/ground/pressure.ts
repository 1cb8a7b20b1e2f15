import { Source, type Signal } from './signal.ts'

/** How full something is. */
export interface Pressure {
  /** 0 idle, 1 full, above 1 refusing. */
  readonly level: number
  /** Who says so: the name of the gate or the probe. */
  readonly cause: string
}

/** The highest of several pressures, with its cause: pressure at the bottom is pressure at the door. */
export function worst(...parts: readonly Signal<Pressure>[]): Signal<Pressure> {
  const read = (): Pressure => {
    let highest: Pressure = { level: 0, cause: 'nothing' }
    for (const part of parts) if (part.value.level > highest.level) highest = part.value
    return highest
  }
  return new Combined(read, parts)
}

/** Listens to its parts only while somebody listens to it. */
class Combined implements Signal<Pressure> {
  readonly #source: Source<Pressure>
  readonly #parts: readonly Signal<Pressure>[]

  constructor(read: () => Pressure, parts: readonly Signal<Pressure>[]) {
    this.#source = new Source(read)
    this.#parts = parts
  }

  get value(): Pressure {
    return this.#source.value
  }

  subscribe(listener: (value: Pressure) => void): Disposable {
    const own = this.#source.subscribe(listener)
    const inner = this.#parts.map((part) => part.subscribe(() => listener(this.#source.value)))
    return {
      [Symbol.dispose]: () => {
        own[Symbol.dispose]()
        for (const subscription of inner) subscription[Symbol.dispose]()
      },
    }
  }
}
