// nginx and HAProxy as proxies, one process with one thread on free loopback ports, ended by their process id.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { which } from '../../scripts/servers.mjs'
import { freePort } from '../../packages/sluice/dist/test/integration/free-port.js'

/** @param limit `limit_conn` of nginx; undefined: none @param streams passes on what comes at once */
const nginxConfig = (folder, port, upstream, { limit, streams = false } = {}) => `
daemon off; master_process off; pid ${folder}/pid; error_log /dev/null; worker_rlimit_nofile 16384;
events { worker_connections 8192; }
http {
  access_log off; keepalive_requests 100000000; keepalive_timeout 60s;
  client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  upstream up { server ${upstream}; keepalive 1024; keepalive_requests 100000000; }
  ${limit === undefined ? '' : 'limit_conn_zone $server_name zone=all:1m; limit_conn_status 503; limit_conn_log_level info;'}
  server {
    listen 127.0.0.1:${port} backlog=4096; server_name all;
    location / {
      ${limit === undefined ? '' : `limit_conn all ${limit};`}
      ${streams ? 'proxy_buffering off; proxy_request_buffering off;' : ''}
      proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
    }
  }
}`

/** @param maxconn of the server, with a queue of `queue` ms before it; undefined: none */
const haproxyConfig = (_folder, port, upstream, { maxconn, queue = 300, streams = false } = {}) => `
global
  nbthread 1
  maxconn 8192
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout queue ${maxconn === undefined ? 60_000 : queue}ms
  http-reuse always
  ${streams ? 'option http-no-delay' : ''}
frontend in
  bind 127.0.0.1:${port} backlog 4096
  default_backend up
backend up
  server one ${upstream}${maxconn === undefined ? '' : ` maxconn ${maxconn}`}
`

const kinds = {
  nginx: { program: 'nginx', config: nginxConfig, args: (folder, file) => ['-p', folder, '-c', file] },
  haproxy: { program: 'haproxy', config: haproxyConfig, args: (_folder, file) => ['-db', '-q', '-f', file] },
}

/** The path of one of them, or undefined. */
export function proxyProgram(kind) {
  return which(kinds[kind].program)
}

/** Starts one before `upstream` (host:port), on some cores. */
export async function startProxy(kind, upstream, options, cores = '0') {
  const { config, args } = kinds[kind]
  const folder = mkdtempSync(join(tmpdir(), `sluice-${kind}-`))
  const port = await freePort()
  const file = join(folder, 'proxy.conf')
  writeFileSync(file, config(folder, port, upstream, options))
  const command = ['-c', cores, proxyProgram(kind), ...args(folder, file)]
  const child = spawn('taskset', command, { stdio: ['ignore', 'ignore', 'inherit'] })
  for (let tries = 0; ; tries++) {
    const socket = connect(port, '127.0.0.1')
    const up = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (up) break
    if (tries > 100) throw new Error(`${kind} did not start`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    port,
    pid: child.pid,
    async stop() {
      child.kill('SIGTERM')
      await once(child, 'exit')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
