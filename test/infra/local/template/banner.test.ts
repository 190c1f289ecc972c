import { describe, expect, it } from '@jest/globals'
import { banner } from '../../../../infra/local/template/banner.ts'

const stack = {
  url: 'http://127.0.0.1:3000',
  port: 3000,
  home: '/data',
  endpoints: {
    dynamodb: 'http://d',
    rdsData: 'http://r',
    secretsManager: 'http://s',
    sts: 'http://t',
    s3: 'http://t',
    lambda: 'http://l',
    cloudWatch: 'http://127.0.0.1:1',
    mysql: '127.0.0.1:3306',
  },
  servers: { mysql: 'mariadb 10.11', dynamodb: 'dynoxide' },
  tables: [],
  clusters: [],
  functions: [],
  outputs: {},
  notes: ['not run here: AWS::IAM::Role'],
  ready: 2.04,
  invoke: () => Promise.reject(new Error('not called')),
  crash: () => 0,
  metrics: () => [],
  close: () => Promise.resolve(),
}

describe('the banner', () => {
  it('gives a command to paste for each method that a route serves, with a valid body', () => {
    const example = { firstName: "D'Arcy", lastName: 'Flay' }
    const routes = [
      {
        method: 'ANY',
        path: '/chefs/{chefId}',
        functionName: 'f',
        usage: { methods: ['GET', 'PUT', 'DELETE'], example },
      },
    ]

    expect(
      banner({ ...stack, routes }, 3000)
        .split('\n')
        .slice(1, 5),
    ).toEqual([
      'GET, PUT, DELETE /chefs/{chefId}  (f)',
      "  curl 'http://127.0.0.1:3000/chefs/<id>'",
      `  curl -X PUT 'http://127.0.0.1:3000/chefs/<id>' -H 'content-type: application/json' -d '{"firstName":"D'\\''Arcy","lastName":"Flay"}'`,
      "  curl -X DELETE 'http://127.0.0.1:3000/chefs/<id>'",
    ])
  })

  it("takes a path's parameter from the example where that has it", () => {
    const usage = { methods: ['GET'], example: { email: "o'brien@example.com" } }
    const routes = [{ method: 'ANY', path: '/users/{email}', functionName: 'f', usage }]

    expect(banner({ ...stack, routes }, 3000)).toContain(
      "  curl 'http://127.0.0.1:3000/users/o%27brien%40example.com'\n",
    )
  })

  it('asks for a list by the fields of the example that it is asked for by', () => {
    const usage = { methods: ['GET', 'POST'], example: { town: 'Å b', zip: '1' }, query: ['town'] }
    const text = banner(
      { ...stack, routes: [{ method: 'ANY', path: '/users', functionName: 'f', usage }] },
      0,
    )

    expect(text).toContain("  curl 'http://127.0.0.1:3000/users?town=%C3%85%20b'\n")
    expect(text).toContain("  curl -X POST 'http://127.0.0.1:3000/users' -H")
  })

  it('says what to do next where nothing of a team is served, and only there', () => {
    const routeOf = (path: string, example?: Record<string, string>) => ({
      method: 'ANY',
      path,
      functionName: 'f',
      usage: { methods: ['GET'], example },
    })
    const next = 'no entity yet: README.md says what to do next'

    expect(banner({ ...stack, routes: [routeOf('/aurora')] }, 3000)).toContain(next)
    const served = [routeOf('/aurora'), routeOf('/aurora/chefs', { firstName: 'Bobby' })]
    expect(banner({ ...stack, routes: served }, 3000)).not.toContain(next)
    const other = [{ method: 'GET', path: '/', functionName: 'f' }]
    expect(banner({ ...stack, routes: other }, 3000)).not.toContain(next)
  })

  it('falls back to the method of the route where the template says no more', () => {
    const routes = [
      { method: 'ANY', path: '/a', functionName: 'f' },
      { method: 'POST', path: '/b', functionName: 'f' },
    ]

    expect(banner({ ...stack, routes }, 3000)).toContain(
      "  curl 'http://127.0.0.1:3000/a'\nPOST /b  (f)\n  curl -X POST",
    )
  })

  it('ends with the time that the start took, and says when the port is another one', () => {
    const lines = banner({ ...stack, port: 4000, routes: [] }, 3000).split('\n')

    expect(lines.at(-1)).toBe('http://127.0.0.1:3000  ready in 2.0 s')
    expect(lines).toContain('port 3000 is taken: using 4000')
  })

  it('says where debuggers find the functions, if they do', () => {
    expect(banner({ ...stack, routes: [], inspector: '127.0.0.1:9229' }, 3000)).toContain(
      '\ninspector  127.0.0.1:9229  ',
    )
    expect(banner({ ...stack, routes: [] }, 3000)).not.toContain('inspector')
  })
})
