const FORM = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)$/
const DAY = 86_400_000

/** An instant as RFC 3339 writes it, in ms since 1970; undefined for anything else. */
export function readInstant(text: string): number | undefined {
  if (text.length > 40 || !FORM.test(text)) return undefined
  const instant = Date.parse(text.toUpperCase())
  return Number.isNaN(instant) ? undefined : instant
}

/**
 * An instant in ms since 1970 as RFC 3339 writes it, in whole seconds and UTC as Anthropic does. Rounded up, so that whoever
 * waits for it never comes early. By H. Hinnant's reckoning of days into dates (2013), good for any year from 1970 to 9999.
 */
export function instantText(instant: number): string {
  const seconds = Math.ceil(instant / 1000)
  const days = Math.floor(seconds / 86_400)
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  const rest = seconds - days * (DAY / 1000)
  const two = (value: number): string => String(value).padStart(2, '0')
  return (
    `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}` +
    `T${two(Math.floor(rest / 3600))}:${two(Math.floor((rest % 3600) / 60))}:${two(rest % 60)}Z`
  )
}
