import { useEffect, useState } from 'preact/hooks'
import type { Theme } from './palette.ts'

const KEY = 'sluice-theme'

/** What the system wants, unless somebody chose. */
export function useTheme(): readonly [theme: Theme, toggle: () => void] {
  const system = matchMedia('(prefers-color-scheme: dark)')
  const [chosen, choose] = useState<string | null>(() => localStorage.getItem(KEY))
  const [dark, setDark] = useState(system.matches)
  useEffect(() => {
    const heed = (event: MediaQueryListEvent): void => setDark(event.matches)
    system.addEventListener('change', heed)
    return () => system.removeEventListener('change', heed)
  }, [])
  const theme: Theme = chosen === 'light' || chosen === 'dark' ? chosen : dark ? 'dark' : 'light'
  useEffect(() => {
    document.documentElement.dataset['theme'] = theme
  }, [theme])
  return [
    theme,
    () => {
      const next = theme === 'dark' ? 'light' : 'dark'
      localStorage.setItem(KEY, next)
      choose(next)
    },
  ]
}
