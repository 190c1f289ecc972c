import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { uuidv7 } from 'uuidv7'
import { KEPT_UNTIL, serveLegacy } from '../../../../functions/bridge/api/serve-legacy.ts'
import { type Route, unmoved } from '../../../../functions/bridge/model/route.ts'
import { normaliseApiEvent } from '../../../../functions/bridge/normalise/api.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { silent } from '../../../support/log.ts'
import { httpApiEvent } from '../../fixtures/http-events.ts'

const AT = '2026-11-30T10:00:00.000Z'
const place = (stage: Route['stage']) => ({ stage, percent: 100 })
const complete: Route = {
  ...{ ...unmoved('chef'), ...place('complete'), epoch: 9n },
  history: [{ epoch: 9n, at: AT, by: 'x', from: place('live'), to: place('complete') }],
}

describe('the legacy API', () => {
  let aurora: TestAurora
  let counted: string[]
  let known: Route | undefined
  beforeAll(async () => {
    aurora = await openTestAurora()
  })
  afterAll(() => aurora.close())
  beforeEach(async () => {
    counted = []
    known = undefined
    await aurora.empty()
  })

  const send = async (method: string, path: string, body?: unknown) => {
    const event = httpApiEvent(method, `/aurora${path}`, {
      headers: { 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const context = { entities: [chef], base: 'aurora', now: () => new Date(), newKey: uuidv7 }
    const call = normaliseApiEvent(event, context)
    if (call === undefined) throw new Error('not an HTTP event')
    const {
      statusCode,
      headers,
      body: text = 'null',
    } = await serveLegacy(call, aurora.store, {
      entities: [chef],
      completeOf: async () => known,
      readers: { count: (name, entity, n) => void counted.push(`${entity} ${name} ${n}`) },
      ...{ requestId: randomUUID(), log: silent },
    })
    return { status: statusCode, headers, body: JSON.parse(text) }
  }
  const julia = { firstName: 'Julia', lastName: 'Child' }

  it('counts who reads and who writes there', async () => {
    const { body } = await send('POST', '/chefs', julia)
    await send('GET', `/chefs/${body.chefId}`)
    await send('GET', '/chefs')
    await send('GET', `/chefs/${randomUUID()}`)
    await send('PATCH', '/chefs')
    expect(counted).toEqual(['chef Writes 1', ...Array.from({ length: 3 }, () => 'chef Reads 1')])
  })

  it('says nothing of when it was kept while it is', async () => {
    expect((await send('GET', '/chefs')).headers[KEPT_UNTIL]).toBeUndefined()
  })

  it('refuses writes once the route is complete, names the facade, and writes nothing', async () => {
    const { body } = await send('POST', '/chefs', julia)
    known = complete
    const path = `/chefs/${body.chefId}`
    for (const [method, at, sent] of [
      ['POST', '/chefs', julia],
      ['PUT', path, { ...julia, firstName: 'J' }],
      ['DELETE', path, undefined],
    ] as const)
      expect(await send(method, at, sent)).toMatchObject({
        status: 409,
        body: {
          type: 'urn:backsync:problem:route-complete',
          detail: expect.stringMatching(/moved for good\. Write at \/chefs\.$/),
        },
      })
    const [rows] = await aurora.legacy.query('SELECT cheffirst FROM cheftable')
    expect(rows).toEqual([{ cheffirst: 'Julia' }])
    expect(counted.filter((one) => one === 'chef Writes 1')).toHaveLength(4)
  })

  it('says of reads then until when it was kept, of what is there, of lists and of what is not', async () => {
    const { body } = await send('POST', '/chefs', julia)
    known = complete
    for (const [path, status] of [
      [`/chefs/${body.chefId}`, 200],
      ['/chefs', 200],
      ['/chefs/9999', 404],
    ] as const) {
      const answer = await send('GET', path)
      expect([answer.status, answer.headers[KEPT_UNTIL]]).toEqual([status, AT])
    }
  })

  it('answers what it can’t serve as ever', async () => {
    known = complete
    expect(await send('PATCH', '/chefs')).toMatchObject({ status: 405 })
    expect(counted).toEqual([])
  })
})
