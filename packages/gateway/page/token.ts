import { useState } from 'preact/hooks'

const KEY = 'sluice-token'

/** The admin token that was typed: kept by this tab until it is closed, and by nothing else. */
export function useToken(): readonly [token: string, type: (token: string) => void] {
  const [token, setToken] = useState(() => sessionStorage.getItem(KEY) ?? '')
  return [
    token,
    (typed) => {
      sessionStorage.setItem(KEY, typed)
      setToken(typed)
    },
  ]
}
