// The client everybody has.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'

/** Why tests with curl are left out, if they are. */
export const noCurl: string | false = existsSync('/usr/bin/curl')
  ? false
  : 'curl is not installed (apt-get install curl)'

/** What curl prints, headers with `-i`. Fails when curl does. */
export async function curl(...parameters: string[]): Promise<string> {
  return await new Promise((resolve, reject) => {
    execFile(
      'curl',
      ['--silent', '--show-error', '--noproxy', '*', '--max-time', '60', ...parameters],
      { encoding: 'latin1', maxBuffer: 1 << 24 },
      (error, out, why) => (error === null ? resolve(out) : reject(new Error(`${error.message}${why}`))),
    )
  })
}
