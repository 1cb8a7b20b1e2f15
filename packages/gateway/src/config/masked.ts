/**
 * A text as it may be shown, whatever URL is in it: without its password, or its user where that is all there is, and
 * without its query, where keys stand as well.
 */
export function masked(text: string): string {
  return text
    .replace(/(:\/\/)([^/\s?#@:]*)(:[^/\s@]*)?@/g, withoutPassword)
    .replace(/(:\/\/[^\s?"']*)\?[^\s"']*/g, '$1?***')
}

function withoutPassword(_all: string, slashes: string, user: string, password: string | undefined): string {
  return `${slashes}${password === undefined ? '***' : `${user}:***`}@`
}
