import { createHash } from 'node:crypto'
import type { RedisPort, RedisScript } from '../../src/redis/index.ts'

/** Time as a server would say it, passing only when told to. */
export class ServerTime {
  ms = 1_700_000_000_000

  pass(duration: number): void {
    // TIME has whole microseconds.
    this.ms += duration
  }
}

/** A port whose scripts see that time instead of the server's: nothing else of them is changed. */
export function atTime(port: RedisPort, time: ServerTime): RedisPort {
  const told = new Map<RedisScript, RedisScript>()
  const toldOf = (script: RedisScript): RedisScript => {
    const known = told.get(script)
    if (known !== undefined) return known
    const source = `local TIME = {table.remove(ARGV, #ARGV - 1), table.remove(ARGV)}\n${script.source.replaceAll("redis.call('TIME')", 'TIME')}`
    const own = { name: script.name, source, sha: createHash('sha1').update(source).digest('hex') }
    told.set(script, own)
    return own
  }
  return {
    run: (script, keys, args) => {
      const micros = Math.round(time.ms * 1000)
      return port.run(toldOf(script), keys, [...args, Math.floor(micros / 1e6), micros % 1e6])
    },
    subscribe: (channel, listener) => port.subscribe(channel, listener),
    info: (section) => port.info(section),
    close: () => port.close(),
  }
}
