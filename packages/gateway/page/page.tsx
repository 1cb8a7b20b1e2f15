import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Chart } from './chart.tsx'
import { Controls } from './controls.tsx'
import { Demo } from './demo.tsx'
import { useLive, type Live } from './live.ts'
import { Models } from './models.tsx'
import type { Theme } from './palette.ts'
import { CHARTS } from './series.ts'
import { Strip } from './strip.tsx'
import { Tables } from './tables.tsx'
import { useTheme } from './theme.ts'
import { useToken } from './token.ts'

const EVENTS = '/events'

/** Keys, and what each does. */
const KEYS: readonly (readonly [key: string, does: string])[] = [
  ['1 … 6', 'go to a chart'],
  ['t', 'charts as tables'],
  ['d', 'dark or light'],
  ['space', 'hold the picture still'],
]

/**
 * The page of the admin port: one gateway, or in the demo two of them side by side.
 * @param sides what the demo compares, by the name each has in the address of its events; none for a gateway
 */
export function Page({ sides }: { readonly sides: readonly string[] }): JSX.Element {
  const [theme, toggleTheme] = useTheme()
  const [asTable, setAsTable] = useState(false)
  const [held, setHeld] = useState(false)

  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey) return
      if (event.target instanceof HTMLElement && event.target.closest('input, button, select') !== null) return
      if (event.key === 't') setAsTable((was) => !was)
      else if (event.key === 'd') toggleTheme()
      else if (event.key === ' ') setHeld((was) => !was)
      else if (/^[1-6]$/.test(event.key))
        document.querySelectorAll<HTMLElement>('figure.chart')[Number(event.key) - 1]?.focus()
      else return
      event.preventDefault()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  })

  const view = { theme, asTable, held }
  return (
    <main>
      <nav>
        <h1 class="brand">Sluice</h1>
        <span class="keys">
          {KEYS.map(([key, does]) => (
            <span key={key}>
              <kbd>{key}</kbd> {does}
            </span>
          ))}
        </span>
        <button type="button" aria-pressed={held} onClick={() => setHeld(!held)}>
          {held ? 'Go on' : 'Hold'}
        </button>
        <button type="button" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          {asTable ? 'Charts' : 'Tables'}
        </button>
        <button type="button" onClick={toggleTheme}>
          {theme === 'dark' ? 'Light' : 'Dark'}
        </button>
      </nav>
      {sides.length === 0 ? (
        <Gateway {...view} />
      ) : (
        <>
          <Demo />
          <div class="sides">
            {sides.map((side) => (
              <Side key={side} side={side} {...view} />
            ))}
          </div>
        </>
      )}
    </main>
  )
}

interface View {
  readonly theme: Theme
  readonly asTable: boolean
  readonly held: boolean
}

/** What was known when the picture was held, as long as it is. */
function useHeld(live: Live, held: boolean): Live {
  const [kept, keep] = useState<Live | undefined>(undefined)
  useEffect(() => keep(held ? live : undefined), [held])
  return held && kept !== undefined ? kept : live
}

function Gateway({ theme, asTable, held }: View): JSX.Element {
  const [token, setToken] = useToken()
  const live = useHeld(useLive(EVENTS, token), held)
  const { snapshot, history } = live
  const word = live.silentSince === undefined ? snapshot?.state : 'not heard'
  useEffect(() => {
    if (word !== undefined) document.title = `${word} · Sluice`
  }, [word])
  return (
    <>
      {live.refused === 'token' ? <Unlock setToken={setToken} /> : <Strip live={live} />}
      {snapshot?.llm && <Models llm={snapshot.llm} />}
      <Charts live={live} theme={theme} asTable={asTable} group="gateway" />
      {snapshot !== undefined && history.length > 0 && (
        <>
          <Tables snapshot={snapshot} />
          <Controls snapshot={snapshot} token={token} setToken={setToken} />
        </>
      )}
    </>
  )
}

/** An admin port that others can reach says nothing without its token. */
function Unlock({ setToken }: { readonly setToken: (token: string) => void }): JSX.Element {
  const [typed, type] = useState('')
  return (
    <form
      class="unlock"
      onSubmit={(event) => {
        event.preventDefault()
        setToken(typed)
      }}
    >
      <label>
        This port tells nothing without its admin token{' '}
        <input type="password" autocomplete="off" value={typed} onInput={(event) => type(event.currentTarget.value)} />
      </label>
      <button type="submit">Show</button>
    </form>
  )
}

/** In the demo: one of the two. What cannot differ between them is left out. */
function Side({ side, theme, asTable, held }: View & { readonly side: string }): JSX.Element {
  const live = useHeld(useLive(`${EVENTS}?side=${side}`, ''), held)
  return (
    <section class="side" aria-label={side}>
      <Strip live={live} name={side} />
      <Charts live={live} theme={theme} asTable={asTable} group="demo" only={4} />
    </section>
  )
}

interface ChartsProps {
  readonly live: Live
  readonly theme: Theme
  readonly asTable: boolean
  readonly group: string
  /** The first so many of them. */
  readonly only?: number
}

function Charts({ live: { snapshot, history }, theme, asTable, group, only }: ChartsProps): JSX.Element {
  return (
    <div class="charts">
      {CHARTS.slice(0, only).map((chart) => (
        <Chart
          key={chart.title}
          chart={chart}
          history={history}
          moves={snapshot?.moves ?? []}
          theme={theme}
          group={group}
          asTable={asTable}
        />
      ))}
    </div>
  )
}
