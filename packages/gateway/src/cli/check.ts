import type { Command } from 'commander'
import { ConfigProblems, redacted, strayVariables, tableOf } from '../config/index.ts'
import { identityOf, type Identity } from '../tls/index.ts'
import { exitWith, planned } from './planned.ts'
import { withRunFlags, type RunFlags } from './run-flags.ts'

interface CheckFlags extends RunFlags {
  readonly json: boolean
}

const HELP = `
Examples:
  $ sluice check sluice.yaml
  $ sluice check sluice.yaml --json
  $ BACKPRESSURE_MAX_CONCURRENT=50 sluice check sluice.yaml --upstream http://127.0.0.1:3000

Says what sluice run would do with the same file, flags and environment: defaults filled in, secrets left out.
Exits 0, or 2 with a line for each thing that is wrong: file, line, column, field, what was expected, what was found.
With --json what is wrong is printed as {"problems":[…]}.`

/** `sluice check`: what a configuration means, or what is wrong with it. */
export function checkCommand(program: Command): void {
  withRunFlags(program.command('check').description('check a configuration and print what it means'))
    .argument('<config>', 'a YAML file')
    .option('--json', 'print the plan as JSON', false)
    .addHelpText('after', HELP)
    .action(check)
}

async function check(file: string, { json, ...flags }: CheckFlags, command: Command): Promise<void> {
  try {
    const plan = await planned(file, flags)
    for (const line of strayVariables(process.env)) process.stderr.write(`sluice: ${line}\n`)
    const { tls } = plan.listen
    // Certificates run out: what is wrong with one should be known before the gateway is told to read it.
    const identity = tls && (await identityOf(tls))
    process.stdout.write(json ? `${JSON.stringify(redacted(plan), undefined, 2)}\n` : tableOf(plan))
    if (identity !== undefined && !json) process.stdout.write(`\n${validity(identity)}\n`)
  } catch (error) {
    if (!json || !(error instanceof ConfigProblems)) exitWith(error, command)
    process.stdout.write(`${JSON.stringify({ problems: error.problems }, undefined, 2)}\n`)
    process.exitCode = 2
  }
}

function validity({ names, until }: Identity): string {
  const ends = until.getTime() < Date.now() ? 'ran out on' : 'is good until'
  return `the certificate for ${names} ${ends} ${until.toISOString()}`
}
