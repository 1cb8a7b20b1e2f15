/** What a text became, or which variable was missing. */
export type Interpolated = { readonly text: string } | { readonly missing: string }

/** `${NAME}`, `${NAME:-default}`; `$${` stands for itself. */
const VARIABLE = /\$(\$\{)|\$\{([A-Za-z_]\w*)(?::-([^{}]*))?\}|\$\{([^}]*)\}?/g

/**
 * Puts variables of the environment into a text. A default counts where the variable is missing or empty, as in a shell.
 * What comes out is text whatever is in it: no variable can add a key, a list or another variable.
 */
export function interpolate(text: string, environment: Readonly<Record<string, string | undefined>>): Interpolated {
  if (!text.includes('${')) return { text }
  let missing: string | undefined
  const whole = text.replaceAll(
    VARIABLE,
    (_all, escaped?: string, name?: string, otherwise?: string, malformed?: string) => {
      if (escaped !== undefined) return '${'
      if (name === undefined) {
        missing ??= malformed ?? ''
        return ''
      }
      const value = environment[name]
      if (value !== undefined && value !== '') return value
      if (otherwise !== undefined) return otherwise
      if (value === undefined) missing ??= name
      return ''
    },
  )
  return missing === undefined ? { text: whole } : { missing }
}
