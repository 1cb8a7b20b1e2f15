import type { Clock } from '../ground/index.ts'

/**
 * Tells a stranger. Whoever happened to cause it is not to blame for what the stranger throws: the error surfaces by
 * itself, as it would from any callback.
 */
export function tell<A extends readonly unknown[]>(
  clock: Clock,
  listener: ((...told: A) => void) | undefined,
  ...told: A
): void {
  try {
    listener?.(...told)
  } catch (error) {
    surface(clock, error)
  }
}

/** Throws an error that nobody is there to catch, out of the way of whoever found it. */
export function surface(clock: Clock, error: unknown): void {
  clock.after(0, () => {
    throw error
  })
}
