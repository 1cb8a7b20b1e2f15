// nginx as Debian ships it, serving files from a folder of its own and taking uploads with PUT.
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, createWriteStream, existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from './proxy-rig.ts'
import { freePort } from './free-port.ts'

const BINARY = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/usr/bin/nginx'].find((path) => existsSync(path))

/** Why tests with nginx are left out, if they are. */
export const noNginx: string | false =
  BINARY === undefined ? 'nginx is not installed (apt-get install nginx-light)' : false

export interface Nginx {
  readonly port: number
  /** What is served, and where uploads land (in `up/`). */
  readonly root: string
  stop(): Promise<void>
}

/**
 * Starts it on a free port. The caller stops it.
 * @param isHttp2 it speaks HTTP/2, eight streams at a time, and ends a connection with its 50th; else HTTP/1.1
 */
export async function startNginx(isHttp2 = false): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-nginx-'))
  const root = join(folder, 'www')
  await mkdir(join(root, 'up'), { recursive: true })
  const port = await freePort()
  await writeFile(join(folder, 'nginx.conf'), configuration(folder, root, port, isHttp2))
  const child = spawn(BINARY!, ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')], {
    stdio: 'ignore',
  })
  const gone = once(child, 'exit')
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await gone
    await rm(folder, { recursive: true, force: true })
  }
  for (const end = performance.now() + 5000; ; await sleep(10)) {
    try {
      const client = await connect(port)
      client.leave()
      return { port, root, stop }
    } catch (error) {
      if (performance.now() < end && child.exitCode === null) continue
      await stop()
      throw error
    }
  }
}

/** Writes a file nobody can compress, and says what its sum is. */
export async function writeRandomFile(path: string, megabytes: number): Promise<string> {
  const hash = createHash('sha256')
  const file = createWriteStream(path)
  for (let i = 0; i < megabytes; i++) {
    const piece = randomBytes(1 << 20)
    hash.update(piece)
    if (!file.write(piece)) await once(file, 'drain')
  }
  file.end()
  await once(file, 'finish')
  return hash.digest('hex')
}

export async function sumOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

function configuration(folder: string, root: string, port: number, isHttp2: boolean): string {
  // Workers of a root nginx would else be somebody who may not read the folder.
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${join(folder, name)};`)
    .join(' ')
  return `${user} daemon off; worker_processes 1; pid ${join(folder, 'pid')};
events { worker_connections 256; }
http {
  access_log off; client_max_body_size 0; ${temporary}
  ${isHttp2 ? 'keepalive_requests 50; http2_max_concurrent_streams 8;' : ''}
  server {
    listen 127.0.0.1:${port}${isHttp2 ? ' http2' : ''}; root ${root};
    location /nothing { return 204; }
    location /up/ { dav_methods PUT; }
  }
}
`
}
