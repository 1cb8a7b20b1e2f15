/** What is told of one event. */
export type OnEvent = (name: string, data: string) => void

/** How a stream stands: heard, or refused for want of the token, or because too many follow already. */
export type Heard = 'yes' | 'token' | 'full'

/** Between two attempts to be heard again, in ms; longer where there are too many already. */
const [AGAIN, LATER] = [1000, 5000]

/**
 * Follows server-sent events until the signal is aborted, and begins again when they end. An `EventSource` of the browser
 * cannot carry the admin token, which an admin port that others can reach asks for.
 */
export async function follow(
  address: string,
  token: string,
  signal: AbortSignal,
  onEvent: OnEvent,
  onHeard: (heard: Heard) => void,
): Promise<void> {
  while (!signal.aborted) {
    let pause = AGAIN
    try {
      const headers: Record<string, string> = token === '' ? {} : { authorization: `Bearer ${token}` }
      const response = await fetch(address, { headers, signal, cache: 'no-store' })
      if (response.status === 401) onHeard('token')
      else if (response.status === 503) {
        onHeard('full')
        pause = LATER
      }
      if (response.ok && response.body !== null) {
        onHeard('yes')
        await read(response.body, onEvent)
      }
    } catch {
      // Whether it broke or never began, it is tried again.
    }
    if (signal.aborted) return
    await new Promise((resolve) => setTimeout(resolve, pause))
  }
}

/** The part of the HTML standard's event streams that is used here: events with a name and data. */
async function read(body: ReadableStream<Uint8Array>, onEvent: OnEvent): Promise<void> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader()
  let rest = ''
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    const blocks = (rest + value).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      let name = 'message'
      const data: string[] = []
      for (const line of block.split('\n')) {
        if (line.startsWith('event: ')) name = line.slice(7)
        else if (line.startsWith('data: ')) data.push(line.slice(6))
      }
      if (data.length > 0) onEvent(name, data.join('\n'))
    }
  }
}
