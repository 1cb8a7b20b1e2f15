import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Snapshot } from '../src/live/snapshot.ts'
import { report } from './report.ts'
import { save } from './save.ts'

/** What can be asked of a gateway, by its path below /control/. */
type Command = 'pause' | 'resume' | 'drain' | 'limit' | 'reload'

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
  const [chosen, choose] = useState('')
  const { limits, orders, dryRun } = snapshot
  const names = limits.map(({ name }) => name)
  // One that was chosen may be gone with the plan it was in.
  const name = names.includes(chosen) ? chosen : (names.find((each) => each === 'default') ?? names[0])

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
    try {
      const response = await fetch('/config.yaml', {
        headers: token === '' ? {} : { authorization: `Bearer ${token}` },
      })
      if (!response.ok) return setSaid(`the configuration cannot be read: ${response.status}`)
      const text = await response.text()
      // There is a clipboard for pages of this machine and over https only.
      const clipboard = navigator.clipboard as Clipboard | undefined
      if (clipboard === undefined) save('sluice.yaml', 'application/yaml', text)
      else await clipboard.writeText(text)
      setSaid(
        `the configuration, without secrets and orders, is ${clipboard ? 'in the clipboard' : 'saved as sluice.yaml'}`,
      )
    } catch (error) {
      setSaid(String(error))
    }
  }

  return (
    <section class="controls" aria-label="Controls">
      <h2>Controls</h2>
      <div>
        <label>
          admin token{' '}
          <input
            type="password"
            autocomplete="off"
            value={token}
            onInput={(event) => setToken(event.currentTarget.value)}
          />
        </label>
        <label>
          for <Count most={1440} value={minutes} set={setMinutes} /> min
        </label>
        <button type="button" disabled={dryRun} onClick={() => void order('pause', { minutes: Number(minutes) })}>
          Stop refusing
        </button>
        {/* A form of its own: Enter in the field of the token must not force anything. */}
        <form
          class="group"
          onSubmit={(event) => {
            event.preventDefault()
            void order('limit', { limit: Number(forced), minutes: Number(minutes), name })
          }}
        >
          <label>
            limit <Count most={1_000_000} value={forced} set={setForced} />
          </label>
          {names.length > 1 && (
            <select aria-label="which limit" value={name} onChange={(event) => choose(event.currentTarget.value)}>
              {names.map((each) => (
                <option key={each}>{each}</option>
              ))}
            </select>
          )}
          <button type="submit" disabled={name === undefined}>
            Force limit
          </button>
        </form>
        <button type="button" disabled={orders.length === 0} onClick={() => void order('resume')}>
          Back to the plan
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
        <span class="group">
          <button type="button" onClick={() => void copy()}>
            Copy as YAML
          </button>
          <button type="button" onClick={() => report(snapshot)}>
            Save report
          </button>
        </span>
        <output>{said}</output>
      </div>
    </section>
  )
}

interface CountProps {
  readonly most: number
  readonly value: string
  readonly set: (value: string) => void
}

/** A whole number to be typed, from 1. */
function Count({ most, value, set }: CountProps): JSX.Element {
  return <input type="number" min="1" max={most} value={value} onInput={(event) => set(event.currentTarget.value)} />
}
