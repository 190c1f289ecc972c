import { describe, expect, it } from '@jest/globals'
import { matchRoute, parseRouteKey } from '../../../../infra/local/gateway/route-key.ts'

const routes = (...keys: string[]) => keys.map((key) => ({ key: parseRouteKey(key) }))
const match = (keys: string[], method: string, path: string) => {
  const found = matchRoute(routes(...keys), method, path)
  return found && [found.route.key.text, found.parameters]
}

describe('matchRoute', () => {
  const all = [
    '$default',
    'ANY /{proxy+}',
    'GET /pets/{id}',
    'GET /pets/dog/1',
    'ANY /pets/dog/1',
    'GET /pets/dog/{id}',
    'GET /pets/{a+}',
  ]

  it.each<[string, string, string, Record<string, string>]>([
    ['GET', '/pets/dog/1', 'GET /pets/dog/1', {}],
    ['POST', '/pets/dog/1', 'ANY /pets/dog/1', {}],
    ['GET', '/pets/dog/2', 'GET /pets/dog/{id}', { id: '2' }],
    ['GET', '/pets/4', 'GET /pets/{id}', { id: '4' }],
    ['GET', '/pets/a/b/c', 'GET /pets/{a+}', { a: 'a/b/c' }],
    ['PUT', '/pets/4', 'ANY /{proxy+}', { proxy: 'pets/4' }],
    ['GET', '/', '$default', {}],
  ])('%s %s takes %s', (method, path, key, parameters) => {
    expect(match(all, method, path)).toEqual([key, parameters])
    expect(match(all.toReversed(), method, path)).toEqual([key, parameters])
  })

  it('decodes parameters, and leaves alone what is not valid', () => {
    expect(match(['GET /x/{id}'], 'GET', '/x/a%20b%2Fc')).toEqual(['GET /x/{id}', { id: 'a b/c' }])
    expect(match(['GET /x/{id}'], 'GET', '/x/%zz')).toEqual(['GET /x/{id}', { id: '%zz' }])
  })

  it('takes a slash at the end for something below the path, which only a greedy parameter matches', () => {
    const keys = ['ANY /a', 'ANY /a/{slash+}', 'ANY /a/b', 'ANY /a/{id}', 'ANY /a/{b}/{slash+}']

    expect(match(keys, 'GET', '/a/')).toEqual(['ANY /a/{slash+}', { slash: '' }])
    expect(match(keys, 'GET', '/a/b/')).toEqual(['ANY /a/{b}/{slash+}', { b: 'b', slash: '' }])
    expect(match(keys, 'GET', '/a/c/d/')).toEqual(['ANY /a/{b}/{slash+}', { b: 'c', slash: 'd/' }])
    expect(match(keys, 'GET', '/a')).toEqual(['ANY /a', {}])
    expect(match(keys, 'GET', '/a/b')).toEqual(['ANY /a/b', {}])
  })

  it.each(['/x', '/x/', '/x/1/2', '/y/1'])('does not match %s', (path) => {
    expect(match(['GET /x/{id}'], 'GET', path)).toBeUndefined()
  })

  it('refuses a malformed key', () => {
    expect(() => parseRouteKey('GET pets')).toThrow(expect.objectContaining({ code: 'gateway.route-key' }))
  })
})
