/** A setting that makes no sense. The message is one line that names the setting, its value and what was expected. */
export class ConfigError extends Error {
  /** What would have made sense. */
  readonly expected: string

  constructor(setting: string, value: string, expected: string) {
    super(`${setting} is ${JSON.stringify(value)}; expected ${expected}`)
    this.name = 'ConfigError'
    this.expected = expected
  }
}
