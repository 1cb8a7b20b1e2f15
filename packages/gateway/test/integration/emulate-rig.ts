// An emulated provider in this process, official SDKs around it.
import { Provider, startEmulator, type Emulator, type EmulatorOptions } from '../../src/emulate/index.ts'

/** Runs `prove` beside an emulator and ends it, whatever comes of it. Without limits unless some are given. */
export async function withEmulator(
  options: EmulatorOptions,
  prove: (emulator: Emulator, url: string) => Promise<void>,
): Promise<void> {
  const emulator = await startEmulator({ limits: {}, ...options })
  try {
    await prove(emulator, `http://127.0.0.1:${emulator.port}`)
  } finally {
    await emulator.close()
  }
}

/** What a call asks of the emulator. */
export function wish(what: object): { headers: Record<string, string> } {
  return { headers: { 'x-emulate': JSON.stringify(what) } }
}

/** What became of the newest call. */
export function newest(provider: Provider): ReturnType<Provider['log']['last']>[number] {
  const record = provider.log.last(1)[0]
  if (record === undefined) throw new Error('nobody called')
  return record
}
