import assert from 'node:assert/strict'
import { posix } from 'node:path'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { hostFits, pathFits, plainPath } from '../../src/routing/index.ts'

describe('pathFits', () => {
  for (const [rule, path, fits] of [
    ['/login', '/login', true],
    ['/login', '/login/', false],
    ['/login', '/Login', false],
    ['/api/*', '/api/a/b', true],
    ['/api/*', '/api/', true],
    ['/api/*', '/api', false],
    ['/api/*', '/apis/x', false],
  ] as const)
    it(`${rule} ${fits ? 'fits' : 'does not fit'} ${path}`, () => {
      assert.equal(pathFits(rule, path), fits)
    })
})

describe('plainPath', () => {
  for (const [path, plain] of [
    ['/api/x', undefined],
    ['/api/.hidden', undefined],
    ['/api/x.y', undefined],
    ['/api/..', '/'],
    ['/api/../admin', '/admin'],
    ['/api/./x', '/api/x'],
    ['/api/%2e%2e/admin', '/admin'],
    ['/api/%2E./admin', '/admin'],
    ['/api/..%2fadmin', '/admin'],
    [String.raw`/api/..\admin`, '/admin'],
    ['/api//x/', '/api/x/'],
    ['//api/x', '/api/x'],
    ['/%61pi/x', '/api/x'],
    ['/%ff%61pi/x', '/%ffapi/x'],
    ['/../../..', '/'],
  ] as const)
    it(`of ${path} is ${plain}`, () => {
      assert.equal(plainPath(path), plain)
    })

  it('is what the platform makes of it, and there is none where there is no disguise', () => {
    const piece = fc.constantFrom('a', '..', '.', '%2e', '%2E%2e', '%2f', '/', '//', '%5c', '\\', 'api', '%61', ';')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
        const path = `/api/${pieces.join('')}`
        const collapsed = decodeURIComponent(path)
          .replaceAll('\\', '/')
          .replaceAll(/\/{2,}/g, '/')
        const directory = /\/\.{0,2}$/.test(collapsed)
        const truth = posix.normalize(directory ? `${collapsed}/` : collapsed)
        assert.equal(plainPath(path) ?? path, truth)
      }),
      { numRuns: 5000 },
    )
  })
})

describe('hostFits', () => {
  it('heeds no port, no case, and no dot at the end', () => {
    assert.ok(hostFits('a.example', 'A.Example:8080'))
    assert.ok(hostFits('a.example', 'a.example.'))
    assert.ok(!hostFits('a.example', 'b.a.example'))
    assert.ok(!hostFits('a.example', undefined))
  })

  it('knows all below a name, but not the name', () => {
    assert.ok(hostFits('*.example', 'a.example'))
    assert.ok(hostFits('*.example', 'b.a.example'))
    assert.ok(!hostFits('*.example', 'example'))
    assert.ok(!hostFits('*.example', 'badexample'))
  })
})
