#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { benchCommand } from './bench.ts'
import { checkCommand } from './check.ts'
import { demoCommand } from './demo.ts'
import { emulateCommand } from './emulate.ts'
import { exportCommand } from './export.ts'
import { runCommand } from './run.ts'
import { simulateCommand } from './simulate.ts'
import { sizeCommand } from './size.ts'
import { topCommand } from './top.ts'

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

const program = new Command('sluice')
  .description('Overload control: let in what can be served, and say an honest no to the rest.')
  .version(version)
  .exitOverride()
  .configureOutput({
    // Bad usage is one line, whatever hint comes with it.
    outputError: (text, write) =>
      write(
        `sluice: ${text
          .trim()
          .replace(/^error: /, '')
          .replaceAll(/\s*\n\s*/g, ' ')}\n`,
      ),
  })

runCommand(program)
demoCommand(program)
benchCommand(program)
sizeCommand(program)
simulateCommand(program)
topCommand(program)
checkCommand(program)
exportCommand(program)
emulateCommand(program)

if (process.argv.length <= 2) program.outputHelp()
else {
  try {
    await program.parseAsync()
  } catch (error) {
    // Commander has said what is wrong already.
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
    else {
      process.stderr.write(`sluice: ${error instanceof Error ? error.message : String(error)}\n`)
      process.exitCode = 1
    }
  }
}
