import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { masked } from '../../src/config/masked.ts'

describe('a URL as it is shown', () => {
  for (const [text, shown] of [
    ['redis://127.0.0.1:6379/0', 'redis://127.0.0.1:6379/0'],
    ['rediss://user:secret@a:1/2', 'rediss://user:***@a:1/2'],
    ['rediss://:secret@a:1/2', 'rediss://:***@a:1/2'],
    ['redis://secret@a', 'redis://***@a'],
    ['redis://a?password=secret', 'redis://a?***'],
    ['https://user:sec:ret@a/b?key=secret', 'https://user:***@a/b?***'],
    [
      "'http://u:secret@a' is invalid, 'http://v:secret@b?secret' too",
      "'http://u:***@a' is invalid, 'http://v:***@b?***' too",
    ],
    ['ask me? a@b: no URL', 'ask me? a@b: no URL'],
    ['https://a/b@c', 'https://a/b@c'],
  ] as const)
    it(`${text} is ${shown}`, () => {
      assert.equal(masked(text), shown)
    })
})
