import { subscribe } from 'node:diagnostics_channel'
import type { EventLoop } from '../http/index.ts'

let accepted = 0
let counting = false

/** The loop of this thread. All servers share it, so one count of connections serves them all. */
export const nodeEventLoop: EventLoop = {
  afterReading: (run) => void setImmediate(run),
  get accepted() {
    if (!counting) {
      counting = true
      subscribe('net.server.socket', () => void accepted++)
    }
    return accepted
  },
}
