import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from '@jest/globals'
import { addressesOf } from '../../../../functions/bridge/compare/addresses.ts'
import { compareSides, readMethodOf } from '../../../../functions/bridge/compare/compare-sides.ts'
import { repeatCompare } from '../../../../functions/bridge/compare/repeat-compare.ts'
import { chef } from '../../../fixtures/entities/chef.ts'

type Answering = (request: IncomingMessage, response: ServerResponse) => void
const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** An API that answers so at each side; a gateway's own 404 at all others. */
const serving = async (sides: Readonly<Record<string, Answering>>) => {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const side = (request.url ?? '').split('/')[1] ?? ''
    asked.push(side)
    const answering = sides[side]
    if (answering !== undefined) answering(request, response)
    else response.writeHead(404, { 'content-type': 'application/json' }).end('{"message":"Not Found"}')
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  closers.push(async () => {
    server.closeAllConnections()
    await new Promise((closed) => server.close(closed))
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return { base: `http://127.0.0.1:${port}`, asked, port }
}
const json =
  (body: unknown, status = 200): Answering =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
const ida = { chefId: '1', firstName: 'Ida', version: 1 }
const of = addressesOf('/chefs/1', [chef])
const reading = (base: string) => ({ base, method: 'GET', headers: {} }) as const

describe('one request at all sides', () => {
  it('is compared where both answer; a facade that has no route is none', async () => {
    const { base, asked } = await serving({ aurora: json(ida), dynamo: json({ ...ida, firstName: 'Ada' }) })
    const round = await compareSides(of, reading(base))

    expect(round).toMatchObject({ verdict: 'different', comparisons: [{ between: ['legacy', 'modern'] }] })
    expect(round.asked.map(({ side, is }) => [side, is])).toEqual([
      ['legacy', 'answered'],
      ['modern', 'answered'],
      ['facade', 'absent'],
    ])
    expect(asked).toEqual(['aurora', 'dynamo', 'chefs'])
  })

  it('has the facade answer as the owner does', async () => {
    const ada = { ...ida, firstName: 'Ada', version: 2 }
    const { base } = await serving({ aurora: json(ida), dynamo: json(ada), chefs: json(ada) })
    const facadeTo = async (owner?: 'aurora' | 'dynamo') =>
      (await compareSides(of, { ...reading(base), owner })).comparisons[1]

    expect(await facadeTo('dynamo')).toMatchObject({ between: ['modern', 'facade'], verdict: 'equal' })
    expect(await facadeTo('aurora')).toMatchObject({ between: ['legacy', 'facade'], verdict: 'behind' })
    // Nobody knows whose it is: as either side does.
    expect(await facadeTo()).toMatchObject({ between: ['modern', 'facade'], verdict: 'equal' })
  })

  it.each<[string, Answering, string]>([
    ['refuses who asks', json({ message: 'Unauthorized' }, 401), '401: Unauthorized'],
    ['is asked too often', json({ message: 'Too Many Requests' }, 429), '429: Too Many Requests'],
    [
      'fails',
      json({ status: 503, detail: 'The store can not be reached.' }, 503),
      '503: The store can not be reached.',
    ],
    ['hangs up', (request) => void request.socket.destroy(), 'No answer of '],
  ])('has failed, and is not equal, where each side %s', async (_, answering, why) => {
    const { base } = await serving({ aurora: answering, dynamo: answering })
    const round = await compareSides(of, reading(base))
    expect(round).toMatchObject({ verdict: 'failed', comparisons: [] })
    expect(round.asked[0]).toMatchObject({ is: 'failed', why: expect.stringContaining(why) })
  })

  it('has failed where nobody is there, and says why', async () => {
    const { base, port } = await serving({})
    await closers.pop()?.()
    const round = await compareSides(of, reading(base))
    expect(round.asked[0]).toMatchObject({
      code: 'compare.no-answer',
      why: expect.stringContaining(String(port)),
    })
  })

  it('takes in no more than a gateway gives', async () => {
    const endless: Answering = (_, response) => {
      response.writeHead(200)
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(1_000_000)));
      }
      response.on('drain', more)
      more()
    }
    const { base } = await serving({ aurora: endless, dynamo: json(ida) })
    expect((await compareSides(of, reading(base))).asked[0]).toMatchObject({
      code: 'compare.answer-too-large',
    })
  })

  it('ends with who asked for it', async () => {
    const { base } = await serving({ aurora: () => {} })
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(compareSides(of, { ...reading(base), signal })).rejects.toThrow('enough')
  })

  it('is a read: anything else is refused', () => {
    expect([readMethodOf('GET'), readMethodOf('HEAD')]).toEqual(['GET', 'HEAD'])
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'get', ''])
      expect(() => readMethodOf(method)).toThrow('only GET and HEAD are compared')
  })
})

describe('one request so many times', () => {
  it('is asked by turns, counted, and timed; the first round only wakes', async () => {
    const { base, asked } = await serving({ aurora: json(ida), dynamo: json(ida) })
    const repeated = await repeatCompare(of, reading(base), { times: 4 })

    expect(repeated).toMatchObject({ rounds: 4, verdicts: { equal: 4, behind: 0, different: 0, failed: 0 } })
    expect(repeated.latencies.map(({ side, requests, failed }) => [side, requests, failed])).toEqual([
      ['legacy', 4, 0],
      ['modern', 4, 0],
    ])
    for (const { p50, p99, max } of repeated.latencies) {
      expect(p50).toBeGreaterThan(0)
      expect(p99).toBe(max)
      expect(p50).toBeLessThanOrEqual(p99)
    }
    expect(asked).toHaveLength(15)
    expect([asked[0], asked[3], asked[6], asked[9], asked[12]]).toEqual([
      'aurora',
      'aurora',
      'dynamo',
      'chefs',
      'aurora',
    ])
  })

  it('counts failures apart, and shows the first round that was not equal', async () => {
    let n = 0
    const sometimes: Answering = (request, response) => {
      n += 1
      if (n === 3) json({ ...ida, firstName: 'Ada' })(request, response)
      else if (n === 4) request.socket.destroy()
      else json(ida)(request, response)
    }
    const { base } = await serving({ aurora: json(ida), dynamo: sometimes })
    const { verdicts, latencies, shown } = await repeatCompare(of, reading(base), { times: 5 })

    expect(verdicts).toEqual({ equal: 3, behind: 0, different: 1, failed: 1 })
    expect(latencies.find(({ side }) => side === 'modern')).toMatchObject({ requests: 5, failed: 1 })
    expect(shown.verdict).toBe('different')
  })
})
