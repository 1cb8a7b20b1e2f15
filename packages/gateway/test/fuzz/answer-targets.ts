import assert from 'node:assert/strict'
import type { FuzzTarget } from '../../../sluice/dist/test/fuzz/fuzz-target.js'
import { toldByNode, toldByRaw } from '../proxy/raw-told.ts'

const OK = 'HTTP/1.1 200 OK\r\n'

export const targets: readonly FuzzTarget[] = [
  {
    name: 'upstream-answers',
    weight: 8,
    seeds: [
      `${OK}content-length: 2\r\nx-a: b\r\n\r\nok`,
      `${OK}transfer-encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nx: y\r\n\r\n`,
      `HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n${OK}content-length: 0\r\nconnection: close\r\n\r\n`,
      `HTTP/1.1 204 No Content\r\n\r\n`,
      `HTTP/1.0 200 OK\r\n\r\nuntil the end`,
    ],
    words: [
      'content-length: 3\r\n',
      'transfer-encoding: chunked\r\n',
      'transfer-encoding: identity, chunked\r\n',
      'HTTP/1.1 101 Switching\r\n\r\n',
      'HTTP/1.1 100 Continue\r\n\r\n',
      '0\r\n\r\n',
      'ffffffffffffffff\r\n',
      '\r\n ',
      '\x0b',
      ':',
    ],
    check(input) {
      const bytes = Buffer.from(input, 'latin1')
      for (const head of [false, true]) {
        const raw = toldByRaw(bytes, head)
        if (!raw.whole) continue
        const node = toldByNode(bytes.subarray(0, raw.end), head)
        assert.ok(node.whole, 'node refuses it')
        assert.deepEqual([raw.status, raw.headers, raw.body], [node.status, node.headers, node.body])
        // However it is cut.
        assert.deepEqual(toldByRaw(bytes, head, [raw.end >> 2, raw.end >> 1]), raw)
      }
    },
  },
]
