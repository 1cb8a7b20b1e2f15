// A real upstream nobody here wrote: nginx from Debian, on a free loopback port, ended by its process id.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { which } from '../../scripts/servers.mjs'
import { freePort } from '../../packages/sluice/dist/test/integration/free-port.js'

/** Answers every request with `bytes` bytes, from core 1. */
export async function startNginx(bytes) {
  const binary = which('nginx')
  if (binary === undefined) throw new Error('nginx is not installed: apt-get install nginx-light')
  const folder = mkdtempSync(join(tmpdir(), 'sluice-nginx-'))
  const port = await freePort()
  // nginx takes no long texts into its configuration.
  const small = bytes <= 2048
  if (!small) writeFileSync(join(folder, 'body'), 'x'.repeat(bytes))
  const answer = small
    ? `return 200 "${'x'.repeat(bytes)}";`
    : `root ${folder}; try_files /body =404; sendfile on; tcp_nopush on; open_file_cache max=4;`
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; pid ${folder}/pid; error_log stderr; worker_processes 1;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 100000000;
  client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  server { listen 127.0.0.1:${port}; location / { default_type text/plain; ${answer} } }
}`,
  )
  const child = spawn('taskset', ['-c', '1', binary, '-p', folder, '-c', join(folder, 'nginx.conf')], {
    stdio: 'inherit',
  })
  for (let tries = 0; ; tries++) {
    const socket = connect(port, '127.0.0.1')
    const up = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (up) break
    if (tries > 100) throw new Error('nginx did not start')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      child.kill('SIGTERM')
      await once(child, 'exit')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
