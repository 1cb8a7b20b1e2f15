import { ConfigError, ConfigProblems, describeGatewayPlan, type GatewayPlan } from '../config/index.ts'
import type { Gateway } from '../gateway.ts'
import { say } from './say.ts'

/** What SIGHUP asks for: the file and the certificate as they are now, or nothing at all. */
export async function reload(
  gateway: Pick<Gateway, 'reload' | 'plan'>,
  file: string | undefined,
  read: () => Promise<GatewayPlan>,
): Promise<void> {
  try {
    const { waiting, hash } = await gateway.reload(await read())
    const rest =
      waiting.length === 0 ? '' : `; ${waiting.join(', ')} ${waiting.length === 1 ? 'waits' : 'wait'} for a restart`
    say(`SIGHUP: ${file ?? 'the certificate'} is in force, plan ${hash}: ${describeGatewayPlan(gateway.plan)}${rest}`)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    if (!(error instanceof ConfigProblems || error instanceof ConfigError)) say(`SIGHUP: ${why}`)
    else for (const line of why.split('\n')) say(line)
    say(`SIGHUP: nothing has changed, the configuration in force stays`)
  }
}

/**
 * Obeys SIGHUP. Where nothing can be read again it must not end the process, as it would by default: only a terminal that
 * was closed means that, and it says so with the same signal.
 */
export function obeyHangUp(again: (() => void) | undefined): void {
  process.on('SIGHUP', () => {
    if (again !== undefined) again()
    else if (process.stderr.isTTY) process.kill(process.pid, 'SIGTERM')
    else say('SIGHUP: there is no file to read again, nothing has changed')
  })
}
