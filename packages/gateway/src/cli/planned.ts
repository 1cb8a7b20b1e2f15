import type { Command } from 'commander'
import { ConfigError, ConfigProblems, gatewayPlan, readConfig, type GatewayPlan } from '../config/index.ts'
import { settingsOf, type RunFlags } from './run-flags.ts'

/** The plan of a file, the environment and flags. @throws ConfigProblems, ConfigError */
export async function planned(file: string | undefined, flags: RunFlags): Promise<GatewayPlan> {
  const environment = process.env
  const read = file === undefined ? undefined : await readConfig(file, environment)
  return gatewayPlan({ flags: settingsOf(flags), environment, file: read })
}

/** The same for a command: what is wrong is said, a line for each, and it exits with 2. */
export async function plannedOrExit(file: string | undefined, flags: RunFlags, command: Command): Promise<GatewayPlan> {
  try {
    return await planned(file, flags)
  } catch (error) {
    return exitWith(error, command)
  }
}

/** Says what is wrong with a configuration; other errors go on. */
export function exitWith(error: unknown, command: Command): never {
  if (error instanceof ConfigError) return command.error(error.message, { exitCode: 2 })
  if (!(error instanceof ConfigProblems)) throw error
  const lines = error.message.split('\n')
  // Commander says the last one, as it says every bad usage.
  for (const line of lines.slice(0, -1)) process.stderr.write(`sluice: ${line}\n`)
  return command.error(lines.at(-1)!, { exitCode: 2 })
}
