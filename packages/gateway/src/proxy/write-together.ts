/** Who has waited for so many others waits for no more: what is put off is put off for a fraction of a millisecond. */
const MOST = 16

let waiting: (() => void)[] = []

/**
 * Puts a write off until everything that can be read by now has been read, so that writes follow one another. Each by itself
 * would wake whoever it is for, who would be asleep again by the next one, and the system's code and the gateway's would
 * take turns in the processor's caches. Where nothing else is to be done it goes out at once.
 * @param write must not throw
 */
export function writeTogether(write: () => void): void {
  if (waiting.length === 0) setImmediate(writeAll)
  waiting.push(write)
  if (waiting.length === MOST) writeAll()
}

function writeAll(): void {
  const all = waiting
  waiting = []
  for (const write of all) write()
}
