/** Who listens to which channel: a client listens to each once, for however many there are. */
export class ChannelListeners {
  readonly #channels = new Map<string, Set<(message: string) => void>>()

  /** True for the first of its channel, which the client must then subscribe to. */
  add(channel: string, listener: (message: string) => void): boolean {
    const listeners = this.#channels.get(channel)
    if (listeners !== undefined) {
      listeners.add(listener)
      return false
    }
    this.#channels.set(channel, new Set([listener]))
    return true
  }

  /** True for the last of its channel, which the client need not listen to any more. */
  remove(channel: string, listener: (message: string) => void): boolean {
    const listeners = this.#channels.get(channel)
    if (listeners?.delete(listener) !== true || listeners.size > 0) return false
    return this.#channels.delete(channel)
  }

  tell(channel: string, message: string): void {
    this.#channels.get(channel)?.forEach((listener) => listener(message))
  }
}
