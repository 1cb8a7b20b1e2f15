// Servers on one core, wrk on the other, rounds interleaved so that a noisy neighbour hits everybody alike.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'

/** Starts a script that prints its port as its first line. */
export async function startServer(script, args) {
  const child = spawn('taskset', ['-c', '0', process.execPath, script, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = await once(child.stdout, 'data')
  return {
    port: Number(String(line).trim().split('\n')[0]),
    pid: child.pid,
    async stop() {
      child.stdin.end()
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

/** Requests a second that wrk gets in `seconds` s over `connections` kept-alive connections. */
export function requestsPerSecond(url, { seconds, connections }) {
  const args = ['-c', '1', 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, url]
  const output = execFileSync('taskset', args, { encoding: 'utf8' })
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(output)
  if (rate === null) throw new Error(`wrk said:\n${output}`)
  return Number(rate[1])
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
