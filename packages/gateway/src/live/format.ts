/** Numbers as people read them: three digits that matter, and no more. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const size = Math.abs(value)
  if (size >= 1e6) return `${short(value / 1e6)} M`
  if (size >= 1e4) return `${short(value / 1e3)} k`
  if (size >= 100) return String(Math.round(value))
  return short(value)
}

function short(value: number): string {
  const size = Math.abs(value)
  return size >= 100 ? value.toFixed(0) : size >= 10 ? trim(value.toFixed(1)) : trim(value.toFixed(2))
}

function trim(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

export function ms(value: number): string {
  return value >= 1000 ? `${short(value / 1000)} s` : `${short(value)} ms`
}

export function percent(value: number): string {
  return `${value >= 10 ? value.toFixed(0) : trim(value.toFixed(1))} %`
}

export function bytes(value: number): string {
  return value >= 2 ** 30 ? `${short(value / 2 ** 30)} GiB` : `${short(value / 2 ** 20)} MiB`
}

/** A limit, of which -1 says that there is none. */
export function limit(value: number): string {
  return value < 0 ? 'none' : number(value)
}

export function clock(at: number): string {
  return new Date(at).toLocaleTimeString('en-GB')
}

export function lasting(value: number): string {
  const seconds = Math.floor(value / 1000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`
}

/** What the share of refusals is called: on trial there are none. */
export function turnedAway(dryRun: boolean): string {
  return dryRun ? 'would turn away' : 'turned away'
}
