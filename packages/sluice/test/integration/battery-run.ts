import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root: string = fileURLToPath(new URL('../../../../../', import.meta.url))

export interface Result {
  readonly peer: string
  readonly case: string
  readonly verdict: 'ok' | 'FAIL' | '–'
  readonly why: string
}

/** Runs a part of `npm run bench -- battery`. */
export function battery(...args: readonly string[]): Promise<readonly Result[]> {
  const script = join(root, 'bench', 'battery.mjs')
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [script, '--json', ...args], { timeout: 120_000 }, (error, output, complaint) => {
      if (output === '') reject(error ?? new Error(complaint))
      else resolve(JSON.parse(output) as readonly Result[])
    })
  })
}
