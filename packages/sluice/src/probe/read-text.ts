import { readFileSync } from 'node:fs'
import type { ReadText } from './cgroup.ts'

/** Reads a small file of the kernel's; `undefined` where there is none or it may not be read. */
export const readText: ReadText = (path) => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
