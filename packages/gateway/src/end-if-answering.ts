import type { Duplex } from 'node:stream'

/**
 * Ends a connection on which somebody wants to leave HTTP before he was answered, and says whether it did. Node hands such
 * a connection over with the answer still on it (by `_httpMessage` it knows): what is written would stand before that
 * answer, a second one has no place, and nobody would hear of its end.
 */
export function endIfAnswering(socket: Duplex): boolean {
  const { _httpMessage: answer } = socket as { readonly _httpMessage?: object | null }
  if (answer === undefined || answer === null) return false
  socket.on('error', () => {})
  socket.destroy()
  return true
}
