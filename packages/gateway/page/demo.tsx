import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { StageState } from '../src/demo/stage.ts'
import { follow } from './follow.ts'

/** Sliders: as soon as one is moved, the script of the demo gives way to them. */
export function Demo(): JSX.Element | null {
  const [state, setState] = useState<StageState | undefined>(undefined)
  useEffect(() => {
    const ending = new AbortController()
    const onEvent = (name: string, data: string): void => {
      if (name === 'demo') setState(JSON.parse(data) as StageState)
    }
    void follow('/events?side=demo', '', ending.signal, onEvent, () => {})
    return () => ending.abort()
  }, [])
  if (state === undefined) return null
  const move = (what: object): void =>
    void fetch('/control/demo', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(what),
    })
  const { phase, load, service, errors, left, verdict } = state
  return (
    <section class="demo" aria-label="Demo">
      <p>
        The same load, with and without a gate. <strong>{phase}</strong>
        {left > 0 && <> · {left} s left</>}
      </p>
      <Slider
        name="load"
        says={`${load.toFixed(1)} × what can be done`}
        min={0}
        max={10}
        step={0.1}
        value={load}
        move={(value) => move({ load: value })}
      />
      <Slider
        name="upstream takes"
        says={`${service} ms`}
        min={5}
        max={500}
        step={5}
        value={service}
        move={(value) => move({ service: value })}
      />
      <Slider
        name="upstream fails"
        says={`${errors} %`}
        min={0}
        max={100}
        step={1}
        value={errors}
        move={(value) => move({ errors: value })}
      />
      {verdict.length > 0 && (
        <ul>
          {verdict.map(({ passed, says }) => (
            <li key={says}>
              {passed ? '✔' : '✖'} {says}
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

interface SliderProps {
  readonly name: string
  readonly says: string
  readonly min: number
  readonly max: number
  readonly step: number
  readonly value: number
  readonly move: (value: number) => void
}

function Slider({ name, says, min, max, step, value, move }: SliderProps): JSX.Element {
  return (
    <label>
      {name} <output>{says}</output>
      <input
        type="range"
        min={min}
        max={max}
        step={step}
        value={value}
        onChange={(event) => move(Number(event.currentTarget.value))}
      />
    </label>
  )
}
