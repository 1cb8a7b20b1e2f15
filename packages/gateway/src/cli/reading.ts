import { InvalidArgumentError } from 'commander'
import { ConfigError } from '../config/index.ts'

/** Makes a reader of settings one of options: what does not make sense is bad usage. */
export function reading<T>(read: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return read(text)
    } catch (error) {
      if (error instanceof ConfigError) throw new InvalidArgumentError(`Expected ${error.expected}.`)
      throw error
    }
  }
}
