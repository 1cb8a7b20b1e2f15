import { subscribe } from 'node:diagnostics_channel'
import type { EventLoop } from '../http/index.ts'

let accepted = 0

/** The loop of this thread. All servers share it, so one count of connections serves them all. */
export const nodeEventLoop: EventLoop = {
  afterReading: (run) => void setImmediate(run),
  get accepted() {
    return accepted
  },
}

subscribe('net.server.socket', () => accepted++)
