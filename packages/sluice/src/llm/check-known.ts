import { checkOptions, refuseValue } from '../ground/index.ts'

/** A name that nobody reads would be a limit that nobody keeps. @throws RangeError naming the first that is not known */
export function checkKnown(field: string, options: object, known: readonly string[]): void {
  for (const [name, value] of Object.entries(checkOptions(field, options)))
    if (!known.includes(name)) refuseValue(`${field}.${name}`, value, `one of ${known.join(', ')}`)
}
