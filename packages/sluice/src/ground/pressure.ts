import type { Signal } from './signal.ts'

/** How full something is. */
export interface Pressure {
  /** 0 idle, 1 full, above 1 refusing. */
  readonly level: number
  /** Who says so: the name of the gate or the probe. */
  readonly cause: string
}

/** The highest of several pressures, with its cause: pressure at the bottom is pressure at the door. */
export function worst(...parts: readonly Signal<Pressure>[]): Signal<Pressure> {
  return new Combined(parts)
}

/** Listens to its parts only while somebody listens to it. */
class Combined implements Signal<Pressure> {
  readonly #parts: readonly Signal<Pressure>[]

  constructor(parts: readonly Signal<Pressure>[]) {
    this.#parts = parts
  }

  get value(): Pressure {
    let highest: Pressure = { level: 0, cause: 'nothing' }
    for (const { value } of this.#parts) if (value.level > highest.level) highest = value
    return highest
  }

  subscribe(listener: (value: Pressure) => void): Disposable {
    const subscriptions = this.#parts.map((part) => part.subscribe(() => listener(this.value)))
    return {
      [Symbol.dispose]: () => {
        for (const subscription of subscriptions) subscription[Symbol.dispose]()
      },
    }
  }
}
