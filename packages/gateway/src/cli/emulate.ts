import { Option, type Command } from 'commander'
import { seeded, type Millis } from 'sluice'
import {
  PROFILES,
  startEmulator,
  startServerEmulator,
  TARIFFS,
  type Capacity,
  type DimensionName,
  type EmulatorOptions,
  type FaultRule,
  type HeaderFault,
  type ProfileName,
  type RetryHint,
  type TariffName,
} from '../emulate/index.ts'
import { inWords } from '../config/index.ts'
import { durationArgument } from './duration.ts'
import {
  capacity,
  change,
  collected,
  count,
  faultRule,
  number,
  positive,
  price,
  range,
  share,
  skew,
} from './emulate-arguments.ts'

interface PlaceFlags {
  readonly host: string
  readonly port: number
  readonly seed?: number
  readonly json: boolean
}

interface ServerFlags extends PlaceFlags {
  readonly slots: number
  readonly service: Millis
  readonly jitter: number
  readonly skipDeparted: boolean
  readonly answerSize: number
}

interface ProviderFlags extends PlaceFlags {
  readonly profile: ProfileName
  readonly rpm?: number
  readonly tpm?: number
  readonly itpm?: number
  readonly otpm?: number
  readonly rpd?: number
  readonly tpd?: number
  readonly mode?: TariffName
  readonly capacity?: Capacity
  readonly concurrency?: number
  readonly failedCount: boolean
  readonly foreign?: number
  readonly spend?: number
  readonly price: readonly [input: number, output: number]
  readonly ramp?: number
  readonly output: number | readonly [number, number]
  readonly cached: number
  readonly bytesPerToken: number
  readonly model?: readonly string[]
  readonly key?: string
  readonly headers: 'exact' | HeaderFault
  readonly retryAfter?: RetryHint
  readonly shouldRetry: boolean
  readonly slots?: number
  readonly waiting?: number
  readonly ttft: Millis
  readonly prefill: Millis
  readonly tokensPerSecond?: number
  readonly slowdown: number
  readonly chunk: number
  readonly arrivalJitter: Millis
  readonly clockSkew: Millis
  readonly fault?: readonly FaultRule[]
  readonly change?: readonly { readonly at: Millis; readonly factor: number }[]
  readonly log: number
}

const PROFILES_OF = {
  openai: ['openai', 'azure', 'groq', 'cerebras', 'gemini'],
  anthropic: ['anthropic', 'anthropic-2025', 'bedrock'],
} as const satisfies Readonly<Record<string, readonly ProfileName[]>>

const SERVER_HELP = `
Examples:
  $ sluice emulate server --slots 20 --service 50ms
  $ sluice emulate server --port 3000 --slots 4 --service 200ms --jitter 0.5

Capacity is slots / service time. The queue has no end, and the work of clients that left is done all the same.
GET /__emulator/state says what it holds.`

const HELP: Readonly<Record<keyof typeof PROFILES_OF, string>> = {
  openai: `
Examples:
  $ sluice emulate openai --port 9999 --rpm 500 --tpm 30000
  $ sluice emulate openai --profile azure --mode reserve-sum --capacity 10s --retry-after ms
  $ sluice emulate openai --ttft 300ms --tokens-per-second 60 --slots 32 --slowdown 0.02
  $ sluice emulate openai --fault '{"fault":{"kind":"overloaded"},"share":0.05}' --change 0.5@60s`,
  anthropic: `
Examples:
  $ sluice emulate anthropic --port 9999 --rpm 50 --itpm 30000 --otpm 8000
  $ sluice emulate anthropic --profile anthropic-2025 --foreign 0.2
  $ sluice emulate anthropic --spend 5 --price 3/15 --should-retry`,
}

const MORE = `

A dimension without a flag has no limit; with no such flag at all the limits are those of a small account.
State and control, from this machine only: GET /__emulator/state; POST /__emulator/limits, faults, heal, reset, left.
One call can ask for things in the header x-emulate: {"id":"a","output":200,"cached":50,"fault":{"kind":"cut","after":3}}.
Ends on SIGTERM or SIGINT.`

/** `sluice emulate`: upstreams to practise against. */
export function emulateCommand(program: Command): void {
  const emulate = program
    .command('emulate')
    .description('be an upstream to practise against: a service, or an LLM provider')
    .addHelpText('after', '\nExample:\n  $ sluice emulate openai --rpm 500')
    .allowExcessArguments()
    .action(() => {
      const [what = 'nothing'] = emulate.args
      program.error(`emulate: expected server, openai or anthropic, got ${what}`, { exitCode: 2 })
    })
  const server = placed(emulate.command('server').description('a service with so many slots and an endless queue'))
  server
    .addOption(new Option('--slots <n>', 'served at once').argParser(count('--slots', 1)).default(20))
    .addOption(new Option('--service <duration>', 'time in a slot').argParser(positive).default(50, '50ms'))
    .addOption(new Option('--jitter <share>', 'by which that varies').argParser(share).default(0.1))
    .option('--skip-departed', 'do no work for clients that left while they waited', false)
    .addOption(new Option('--answer-size <bytes>', 'of every answer').argParser(count('--answer-size', 1)).default(3))
    .addHelpText('after', SERVER_HELP)
    .action(runServer)
  provider(emulate, 'openai', 'the limits of OpenAI, Azure, Groq, Cerebras or Gemini, and answers in their dialects')
  provider(emulate, 'anthropic', 'the limits of Anthropic or Bedrock, and answers in their dialects')
}

function provider(emulate: Command, name: keyof typeof PROFILES_OF, description: string): void {
  const limit = (flag: string): ((text: string) => number) => count(`--${flag}`, 1, 1e12)
  placed(emulate.command(name).description(description))
    .addOption(new Option('--profile <name>', 'whose way').choices([...PROFILES_OF[name]]).default(name))
    .option('--rpm <n>', 'requests a minute', limit('rpm'))
    .option('--tpm <n>', 'tokens a minute', limit('tpm'))
    .option('--itpm <n>', 'input tokens a minute', limit('itpm'))
    .option('--otpm <n>', 'output tokens a minute', limit('otpm'))
    .option('--rpd <n>', 'requests a day', limit('rpd'))
    .option('--tpd <n>', 'tokens a day', limit('tpd'))
    .addOption(
      new Option(
        '--mode <name>',
        `how tokens are charged (${name === 'openai' ? 'TPM' : 'OTPM; TPM for bedrock'})`,
      ).choices(Object.keys(TARIFFS).filter((each) => each !== 'count')),
    )
    .addOption(new Option('--capacity <how>', 'at once: full, fixed, or so long, like 10s or 1s').argParser(capacity))
    .option('--concurrency <n>', 'calls at work at once', count('--concurrency', 1))
    .option('--no-failed-count', 'refused and invalid calls do not count as requests')
    .option('--foreign <share>', 'of every limit, used by somebody else', share)
    .option('--spend <amount>', 'money, after which every call is refused', number(0))
    .addOption(new Option('--price <in/out>', 'of a million tokens').argParser(price).default([2.5, 10], '2.5/10'))
    .option('--ramp <tokens>', 'limit growth above so many tokens a minute', number(1))
    .addOption(new Option('--output <n>', 'tokens of an answer: 16, or 50-400').argParser(range).default(16))
    .addOption(new Option('--cached <share>', 'of a prompt that comes from the cache').argParser(share).default(0))
    .addOption(new Option('--bytes-per-token <n>', 'of the tokenizer').argParser(number(0.1)).default(4))
    .option('--model <name>', 'that exists; may be given several times (default: any does)', collected(String))
    .option('--key <key>', 'without which a call is a 401')
    .addOption(
      new Option('--headers <how>', 'of the limits').choices(['exact', 'minus-one', 'missing']).default('exact'),
    )
    .addOption(new Option('--retry-after <unit>', 'of refusals').choices(['none', 's', 'ms', 'both']))
    .option('--should-retry', 'say x-should-retry with refusals', false)
    .option('--slots <n>', 'answers generated at once; others wait', count('--slots', 1))
    .option('--waiting <n>', 'that may wait for a slot; others are refused as overload', count('--waiting', 0))
    .addOption(new Option('--ttft <duration>', 'to the first token').argParser(durationArgument()).default(0, '0ms'))
    .addOption(
      new Option('--prefill <duration>', 'for 1,000 tokens of prompt').argParser(durationArgument()).default(0, '0ms'),
    )
    .option('--tokens-per-second <n>', 'of one answer that is alone (default: all at once)', number(0.001))
    .addOption(
      new Option('--slowdown <share>', 'speed is divided by 1 + this × others').argParser(number(0)).default(0),
    )
    .addOption(new Option('--chunk <n>', 'tokens in an event').argParser(count('--chunk', 1)).default(1))
    .addOption(
      new Option('--arrival-jitter <duration>', 'by which calls overtake each other')
        .argParser(durationArgument())
        .default(0, '0ms'),
    )
    .addOption(new Option('--clock-skew <duration>', 'of its clock, like 5s or -5s').argParser(skew).default(0, '0ms'))
    .option('--fault <json>', 'that befalls calls; may be given several times', collected(faultRule))
    .option('--change <factor@when>', 'of all limits, like 0.5@60s; may be given several times', collected(change))
    .addOption(new Option('--log <n>', 'calls remembered one by one').argParser(count('--log', 0)).default(1000))
    .addHelpText('after', HELP[name] + MORE)
    .action(runProvider)
}

function placed(command: Command): Command {
  return command
    .addOption(new Option('--port <n>', '0 is any free one').argParser(count('--port', 0, 65_535)).default(9999))
    .option('--host <address>', 'to listen on', '127.0.0.1')
    .option('--seed <n>', 'of all chance', count('--seed', 0, 4_294_967_295))
    .option('--json', 'say where it listens as JSON', false)
}

async function runServer(flags: ServerFlags, command: Command): Promise<void> {
  const { host, port, seed, slots, service, jitter, skipDeparted, answerSize } = flags
  const random = seed === undefined ? {} : { random: seeded(seed) }
  const options = { host, port, slots, service, jitter, skipDeparted, answerSize, ...random }
  const server = await listening(flags, command, () => startServerEmulator(options))
  const capacity = Math.round((slots / service) * 1000)
  announce(flags, server.port, `${slots} slots of ${inWords(service)}, ${capacity}/s`)
  endWhenTold(server)
}

async function runProvider(flags: ProviderFlags, command: Command): Promise<void> {
  const emulator = await listening(flags, command, () => startEmulator(optionsOf(flags)))
  for (const { at, factor } of flags.change ?? [])
    emulator.provider.clock.after(at, () => emulator.provider.scale(factor), { background: true })
  const standing = emulator.provider.model.standing()
  const limits = standing.map(({ dimension, limit }) => `${limit.toLocaleString('en-US')} ${dimension}`)
  announce(flags, emulator.port, `${flags.profile}, ${limits.join(', ')}`)
  endWhenTold(emulator)
}

function optionsOf(flags: ProviderFlags): EmulatorOptions {
  const { rpm, tpm, itpm, otpm, rpd, tpd } = flags
  const named: Readonly<Record<DimensionName, number | undefined>> = {
    requests: rpm,
    tokens: tpm,
    input: itpm,
    output: otpm,
    'requests-day': rpd,
    'tokens-day': tpd,
  }
  const limits = Object.fromEntries(Object.entries(named).filter(([, limit]) => limit !== undefined))
  const { slots, waiting, ttft, prefill, tokensPerSecond, slowdown, chunk } = flags
  const { host, port, profile, failedCount, shouldRetry, bytesPerToken, arrivalJitter, clockSkew } = flags
  const { mode, capacity, concurrency, spend, price, ramp, foreign, seed, model, key, retryAfter } = flags
  return {
    host,
    port,
    profile,
    failedCount,
    shouldRetry,
    bytesPerToken,
    arrivalJitter,
    clockSkew,
    limits: Object.keys(limits).length > 0 ? limits : PROFILES[profile].limits,
    output: flags.output,
    cachedShare: flags.cached,
    logSize: flags.log,
    headerFault: flags.headers === 'exact' ? 'none' : flags.headers,
    faults: flags.fault ?? [],
    engine: {
      ttft,
      prefill,
      slowdown,
      chunk,
      ...(slots !== undefined && { slots }),
      ...(waiting !== undefined && { waiting }),
      ...(tokensPerSecond !== undefined && { tokensPerSecond }),
    },
    ...(mode !== undefined && { mode }),
    ...(capacity !== undefined && { capacity }),
    ...(concurrency !== undefined && { concurrency }),
    ...(spend !== undefined && { spend: { limit: spend, input: price[0], output: price[1] } }),
    ...(ramp !== undefined && { ramp: { above: ramp } }),
    ...(foreign !== undefined && { foreign: { share: foreign } }),
    ...(seed !== undefined && { random: seeded(seed) }),
    ...(model !== undefined && { models: model }),
    ...(key !== undefined && { key }),
    ...(retryAfter !== undefined && { retryAfter }),
  }
}

async function listening<T>({ host, port }: PlaceFlags, command: Command, start: () => Promise<T>): Promise<T> {
  try {
    return await start()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (error instanceof RangeError) return command.error(message, { exitCode: 2 })
    if (code === 'EADDRINUSE')
      return command.error(`port ${port} is taken; choose another with --port`, { exitCode: 2 })
    if (code === undefined) throw error
    return command.error(`cannot listen on ${host}:${port} (${code}); see --port and --host`, { exitCode: 2 })
  }
}

function announce({ host, json }: PlaceFlags, port: number, what: string): void {
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  process.stdout.write(json ? `${JSON.stringify({ url, port, what })}\n` : `sluice: ${url}, ${what}\n`)
}

function endWhenTold(running: { close(): Promise<void> }): void {
  const end = (): void => {
    void running.close().then(() => process.exit(0))
  }
  process.once('SIGTERM', end).once('SIGINT', end)
}
