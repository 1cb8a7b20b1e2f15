import { throwLater, type Clock } from './clock.ts'

/** Tells a stranger. Whoever happened to cause it is not to blame for what the stranger throws. */
export function tell<A extends readonly unknown[]>(
  clock: Clock,
  listener: ((...told: A) => void) | undefined,
  ...told: A
): void {
  try {
    listener?.(...told)
  } catch (error) {
    throwLater(clock, error)
  }
}
