#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'

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
const [, , asked = ''] = process.argv
const needed = Object.hasOwn(commands, asked) ? [commands[asked]!] : Object.values(commands)
for (const add of await Promise.all(needed.map((load) => load()))) add(program)

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
