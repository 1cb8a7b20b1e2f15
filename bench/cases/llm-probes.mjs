// What is asked of a door from outside.
import { readFileSync } from 'node:fs'
import { get } from 'node:http'
import { connect } from 'node:net'
import { bytesOf } from './llm-wire.mjs'

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Resident memory of a process, in kB. */
export function resident(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1])
}

/** Streams that are read, a token every so many ms: the times between tokens, in ms. */
export async function gaps(path, { streams, every, ms }) {
  const all = []
  const bytes = bytesOf({ stream: true, headers: { 'x-bench': `paced ${every} ${Math.floor(ms / every)}` } })
  await Promise.all(
    Array.from({ length: streams }, async () => {
      const socket = connect({ path })
      let last
      socket.on('data', () => {
        const now = performance.now()
        if (last !== undefined) all.push(now - last)
        last = now
      })
      await sleep(Math.random() * every)
      socket.write(bytes)
      await sleep(ms)
      socket.destroy()
    }),
  )
  return all
}

/** How many calls a door has in progress. */
export async function inflightOf(path) {
  const answer = await new Promise((resolve, reject) =>
    get({ socketPath: path, path: '/' }, resolve).on('error', reject),
  )
  let text = ''
  for await (const part of answer) text += part
  return JSON.parse(text).inflight
}
