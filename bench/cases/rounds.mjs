// Servers on one core, wrk on the other, rounds interleaved so that a noisy neighbour hits everybody alike.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'

/** Starts a script that prints its port as its first line, on some cores (a list as taskset has it). */
export async function startServer(script, args, cores = '0') {
  const child = spawn('taskset', ['-c', cores, process.execPath, script, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [line] = await once(child.stdout, 'data')
  return {
    port: Number(String(line).trim().split('\n')[0]),
    pid: child.pid,
    say: (line) => child.stdin.write(`${line}\n`),
    async stop() {
      child.stdin.end()
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

/** What wrk gets in `seconds` s over `connections` kept-alive connections: answers a second, and the share not 2xx. */
export function wrk(url, { seconds, connections }) {
  const args = ['-c', '1', 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, url]
  const output = execFileSync('taskset', args, { encoding: 'utf8' })
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(output)
  const count = /(\d+) requests in/.exec(output)
  if (rate === null || count === null) throw new Error(`wrk said:\n${output}`)
  const others = /Non-2xx or 3xx responses: (\d+)/.exec(output)
  return { rate: Number(rate[1]), refused: others === null ? 0 : Number(others[1]) / Number(count[1]) }
}

/** Requests a second that wrk gets. */
export function requestsPerSecond(url, options) {
  return wrk(url, options).rate
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

/** Measures each contender in turn, `rounds` times; prints medians and the median of the ratios to the first. */
export function compare(contenders, rounds, options) {
  const rates = contenders.map(() => [])
  for (let round = 0; round < rounds; round++)
    for (const [at, { url }] of contenders.entries()) rates[at].push(requestsPerSecond(url, options))
  process.stdout.write('| server | requests/s (median) | of the first | lowest … highest |\n|---|---:|---:|---:|\n')
  for (const [at, { name }] of contenders.entries()) {
    const ratios = rates[at].map((rate, round) => rate / rates[0][round])
    const range = `${(Math.min(...ratios) * 100).toFixed(0)} … ${(Math.max(...ratios) * 100).toFixed(0)} %`
    process.stdout.write(
      `| ${name} | ${median(rates[at]).toFixed(0)} | ${(median(ratios) * 100).toFixed(1)} % | ${range} |\n`,
    )
  }
}
