const HIGHEST = 1e12

/** A name as a structured-field String, or as a Display String where it is not plain ASCII (RFC 9651 §3.3.3, §3.3.8). */
export function fieldString(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return `"${text.replace(/["\\]/g, '\\$&')}"`
  const whole = text.replace(/\p{Surrogate}/gu, '\ufffd')
  return `%"${encodeURIComponent(whole).replace(/%[0-9A-F]{2}/g, (octet) => octet.toLowerCase())}"`
}

/** `;key=1.5`, or nothing where the value has no place in a structured field: it is endless or above 10^12. */
export function fieldNumber(key: string, value: number): string {
  return Math.abs(value) < HIGHEST ? `;${key}=${rounded(value)}` : ''
}

/** To three decimals, which is all a structured field carries. */
export function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}
