import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Command, CommanderError } from 'commander'
import { emulateCommand } from '../../src/cli/emulate.ts'

/** What the command says to a use that ends at once: bad, or for help. */
async function use(parameters: readonly string[]): Promise<{ code: number; text: string }> {
  let text = ''
  const write = (part: string): void => {
    text += part
  }
  const program = new Command('sluice').exitOverride().configureOutput({ writeErr: write, writeOut: write })
  emulateCommand(program)
  try {
    await program.parseAsync(['emulate', ...parameters], { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return { code: error.exitCode, text }
    throw error
  }
  throw new Error('it started')
}

describe('sluice emulate, on the command line', () => {
  const BAD: readonly (readonly [what: string, parameters: readonly string[], says: RegExp])[] = [
    ['nothing to be', [], /server, openai or anthropic/],
    ['something else', ['gemini'], /server, openai or anthropic/],
    ['a profile of the other', ['anthropic', '--profile', 'azure'], /anthropic, anthropic-2025, bedrock/],
    ['no requests', ['openai', '--rpm', '0'], /from 1 to/],
    ['a mode nobody has', ['openai', '--mode', 'count'], /Allowed choices are reserve-max/],
    ['a capacity without a unit', ['openai', '--capacity', '10'], /not a duration/],
    ['a capacity beyond the minute', ['openai', '--capacity', '2m'], /the most is 1m/],
    ['a share above 1', ['openai', '--foreign', '2'], /share from 0 to 1/],
    ['answers of no length', ['openai', '--output', '9-3'], /tokens like 16 or 50-400/],
    ['a fault that is none', ['openai', '--fault', '{"fault":{}}'], /fault.kind must be one of/],
    ['a fault that is no JSON', ['openai', '--fault', 'x'], /is invalid/],
    ['a change without a time', ['openai', '--change', '0.5'], /like 0.5@60s/],
    ['no slots', ['server', '--slots', '0'], /from 1 to/],
  ]
  for (const [what, parameters, says] of BAD)
    it(`${what}: one line and no success`, async () => {
      const { code, text } = await use(parameters)
      assert.notEqual(code, 0)
      assert.match(text, says)
      assert.match(text, /^[^\n]+\n$/)
    })

  for (const what of ['server', 'openai', 'anthropic'])
    it(`${what} --help has examples`, async () => {
      const { code, text } = await use([what, '--help'])
      assert.equal(code, 0)
      assert.match(text, new RegExp(`\\$ sluice emulate ${what} --`))
    })
})
