// The gateway as two processes that share a limit that finds itself. Prints its port, ends when its standard input does.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../packages/gateway/dist/src/cli/main.js', import.meta.url))
const flags = ['--host', '127.0.0.1', '--port', '0', '--admin-port', '0', '--workers', '2']
const gateway = spawn(process.execPath, [main, 'run', '--upstream', process.argv[2], ...flags], {
  stdio: ['ignore', 'pipe', 'ignore'],
})
gateway.on('exit', () => process.exit(0))
gateway.stdout.setEncoding('utf8').once('data', (text) => process.stdout.write(`${/:(\d+) ->/.exec(text)[1]}\n`))
const end = () => gateway.kill('SIGTERM')
process.on('SIGTERM', end)
process.stdin.on('end', end).resume()
