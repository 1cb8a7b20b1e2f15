// The gateway before an upstream, with or without its gate. Prints its port, ends when its standard input does.
import { startGateway } from '../../packages/gateway/dist/src/gateway.js'

const [upstream, kind] = process.argv.slice(2)
const gateway = await startGateway({ upstream, protect: kind === 'protected' })
process.stdout.write(`${gateway.port}\n`)
process.stdin.on('end', () => process.exit(0)).resume()
