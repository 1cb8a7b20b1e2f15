// A certificate for the loopback address that vouches for itself, made when it is needed.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Why tests with certificates are left out, if they are. */
export const noOpenssl: string | false =
  spawnSync('openssl', ['version']).status !== 0 && 'no openssl here (apt-get install openssl): no certificate'

/** The text of it, and of its key. */
export function certificate(): { readonly cert: string; readonly key: string } {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-certificate-'))
  try {
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
    const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
    const made = spawnSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', cert, ...name])
    assert.equal(made.status, 0, String(made.stderr))
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
