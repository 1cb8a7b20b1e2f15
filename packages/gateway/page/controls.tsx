import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Snapshot } from '../src/live/snapshot.ts'
import { report } from './report.ts'

/** What can be asked of a gateway, by its path below /control/. */
type Command = 'pause' | 'resume' | 'dry-run' | 'drain' | 'limit' | 'reload'

export interface ControlsProps {
  readonly snapshot: Snapshot
  readonly token: string
  readonly setToken: (token: string) => void
}

/**
 * Changes that are undone by themselves or by the next button. Each needs the admin token, which stays in this page, and
 * leaves a line in the log of the gateway.
 */
export function Controls({ snapshot, token, setToken }: ControlsProps): JSX.Element {
  const [said, setSaid] = useState('')
  const [forced, setForced] = useState('100')
  const [minutes, setMinutes] = useState('10')

  const order = async (command: Command, body: object = {}): Promise<void> => {
    try {
      const response = await fetch(`/control/${command}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      const { message, error } = (await response.json()) as { message?: string; error?: { message: string } }
      setSaid(error?.message ?? message ?? `${response.status}`)
    } catch (error) {
      setSaid(String(error))
    }
  }
  const copy = async (): Promise<void> => {
    const response = await fetch('/config', { headers: token === '' ? {} : { authorization: `Bearer ${token}` } })
    if (!response.ok) return setSaid(`the configuration cannot be read: ${response.status}`)
    await navigator.clipboard.writeText(await response.text())
    setSaid('the configuration in force is in the clipboard, secrets left out')
  }
  const paused = snapshot.dryRun

  return (
    <section class="controls" aria-label="Controls">
      <h2>Controls</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void order('limit', { limit: Number(forced), minutes: Number(minutes) })
        }}
      >
        <label>
          admin token{' '}
          <input
            type="password"
            autocomplete="off"
            value={token}
            onInput={(event) => setToken(event.currentTarget.value)}
          />
        </label>
        <span class="group">
          <button type="button" onClick={() => void order(paused ? 'resume' : 'pause')}>
            {paused ? 'Refuse again' : 'Stop refusing'}
          </button>
          <button type="button" onClick={() => void order('reload')}>
            Reload configuration
          </button>
          <button
            type="button"
            class="danger"
            onClick={() =>
              confirm('Nothing more is let in, and the process ends when all is served. Drain?') && void order('drain')
            }
          >
            Drain
          </button>
        </span>
        <span class="group">
          <label>
            limit{' '}
            <input
              type="number"
              min="0"
              max="1000000"
              value={forced}
              onInput={(event) => setForced(event.currentTarget.value)}
            />
          </label>
          <label>
            for{' '}
            <input
              type="number"
              min="1"
              max="1440"
              value={minutes}
              onInput={(event) => setMinutes(event.currentTarget.value)}
            />{' '}
            min
          </label>
          <button type="submit">Force limit</button>
        </span>
        <span class="group">
          <button type="button" onClick={() => void copy()}>
            Copy as YAML
          </button>
          <button type="button" onClick={() => report(snapshot)}>
            Save report
          </button>
        </span>
        <output>{said}</output>
      </form>
    </section>
  )
}
