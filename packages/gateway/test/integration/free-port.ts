import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Below what the system gives to whoever asks for any port, so that nobody is given it before it is used. */
const [LOWEST, ABOVE] = [20_000, 32_000]

/** A port of loopback that nobody has, for a program that must be told one. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, ABOVE)
    const server = createServer()
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!free) continue
    await new Promise((resolve) => server.close(resolve))
    return port
  }
}
