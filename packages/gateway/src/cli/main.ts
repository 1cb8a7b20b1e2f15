#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { masked } from '../config/masked.ts'
import { outliveReaders } from './outlive-readers.ts'

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

const program = new Command('sluice')
  .description('Overload control: let in what can be served, and say an honest no to the rest.')
  .version(version)
  .addHelpText(
    'after',
    `
Examples:
  $ sluice demo
  $ sluice run --upstream http://127.0.0.1:3000
  $ sluice check sluice.yaml

sluice COMMAND --help has more of each.`,
  )
  .exitOverride()
  .configureOutput({
    // Bad usage is one line, whatever hint comes with it.
    outputError: (text, write) =>
      write(
        `sluice: ${masked(text)
          .trim()
          .replace(/^error: /, '')
          .replaceAll(/\s*\n\s*/g, ' ')}\n`,
      ),
  })

type Add = (program: Command) => void

const commands: Readonly<Record<string, () => Promise<Add>>> = {
  run: async () => (await import('./run.ts')).runCommand,
  demo: async () => (await import('./demo.ts')).demoCommand,
  bench: async () => (await import('./bench.ts')).benchCommand,
  size: async () => (await import('./size.ts')).sizeCommand,
  simulate: async () => (await import('./simulate.ts')).simulateCommand,
  top: async () => (await import('./top.ts')).topCommand,
  check: async () => (await import('./check.ts')).checkCommand,
  export: async () => (await import('./export.ts')).exportCommand,
  emulate: async () => (await import('./emulate.ts')).emulateCommand,
}

// Only the one that is asked for: each needs much that the others do not. Help, and what nobody knows, is about all of them.
const given = process.argv.slice(2)
const asked = (given[0] === 'help' ? given[1] : given[0]) ?? ''
const isUnknown = /^[^-]/.test(asked) && !Object.hasOwn(commands, asked)
outliveReaders(asked === 'run' || asked === 'emulate')
const needed = Object.hasOwn(commands, asked) ? [commands[asked]!] : Object.values(commands)
for (const add of await Promise.all(needed.map((load) => load()))) add(program)

if (given.length === 0) program.outputHelp()
else {
  try {
    // The help of a command nobody knows would be that of everything, and no error.
    await program.parseAsync(isUnknown ? [asked] : given, { from: 'user' })
  } catch (error) {
    // Commander has said what is wrong already.
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
    else {
      process.stderr.write(`sluice: ${error instanceof Error ? error.message : String(error)}\n`)
      process.exitCode = 1
    }
  }
}
