import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { serve } from '../../../../functions/bridge/api/serve.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import { defineEntity, type EntityDefinition } from '../../../../functions/bridge/model/entity.ts'
import { natural } from '../../../../functions/bridge/model/identity.ts'
import { normaliseApiEvent } from '../../../../functions/bridge/normalise/api.ts'
import { silent } from '../../../support/log.ts'
import { httpApiEvent } from '../../fixtures/http-events.ts'
import { openTestTables } from '../dynamo/tables.ts'

const note: EntityDefinition = {
  name: 'note',
  plural: 'notes',
  keyName: 'code',
  table: 'notes',
  identity: natural(['code'], { collation: 'utf8mb4_bin' }),
  attributes: { code: text({ column: 'code', maxLength: 200 }) },
  hidden: ['version', 'updatedAt'],
  paths: { modern: '/v2/notes' },
  example: { code: 'x' },
}
const codes = ['a', 'b', 'c']
const broken = ['é "1",2', 'x']

describe('a list', () => {
  let tables: Awaited<ReturnType<typeof openTestTables>>
  beforeAll(async () => {
    tables = await openTestTables('note', 'code')
    for (const code of codes) await tables.put({ code: { S: code }, version: { N: '1' } })
    for (const code of broken) await tables.put({ code: { S: code }, version: { S: 'none' } })
  })
  afterAll(() => tables.close())

  const list = async (envelope: EntityDefinition['envelope'], query: string) => {
    const entity = defineEntity({ ...note, ...(envelope && { envelope }) })
    const call = normaliseApiEvent(httpApiEvent('GET', '/v2/notes', { query }), {
      entities: [entity],
      base: 'dynamo',
      now: () => new Date(0),
      newKey: () => '',
    })
    if (call === undefined) throw new Error('not an event')
    const { statusCode, headers, body } = await serve(call, tables.store, { requestId: 'r', log: silent })
    expect(statusCode).toBe(200)
    return { headers, body: JSON.parse(body ?? '') }
  }
  const byCode = (all: readonly { code: string }[]) => all.map(({ code }) => code).toSorted()

  it('has the names around its items that the entity has for them', async () => {
    const { body, headers } = await list({ items: 'data', cursor: 'next', unreadable: 'broken' }, 'limit=100')
    expect(byCode(body.data)).toEqual(codes)
    expect(byCode(body.broken)).toEqual(broken.toSorted())
    expect(Object.keys(body)).toEqual(['data', 'broken'])
    expect(headers).not.toHaveProperty('link')

    const found: string[] = []
    let query = 'limit=1'
    for (let pages = 0; pages < 9 && query !== ''; pages++) {
      const page = (await list({ items: 'data', cursor: 'next' }, query)).body
      found.push(...byCode(page.data))
      query = page.next === undefined ? '' : `limit=1&cursor=${page.next}`
    }
    expect(found.toSorted()).toEqual(codes)
  })

  it('is a bare array, whose header leads from page to page and names what can not be shown', async () => {
    const { body, headers } = await list('none', '')
    expect(byCode(body)).toEqual(codes)
    expect(headers).not.toHaveProperty('link')
    expect(headers['backsync-unreadable']).toMatch(
      /^2;keys="(%C3%A9%20%221%22%2C2,x|x,%C3%A9%20%221%22%2C2)"$/,
    )

    const found: string[] = []
    let address: URL | undefined = new URL('https://api.example/mapped/v2/notes?limit=1&other=1')
    for (let pages = 0; pages < 9 && address !== undefined; pages++) {
      const page = await list('none', address.search.slice(1))
      found.push(...byCode(page.body))
      const [, next] = /^<([^>]*)>; rel="next"$/.exec(page.headers.link ?? '') ?? []
      const from: URL = address
      address = next === undefined ? undefined : new URL(next, from)
      if (address)
        expect([address.pathname, address.searchParams.get('limit')]).toEqual(['/mapped/v2/notes', '1'])
    }
    expect([found.toSorted(), address]).toEqual([codes, undefined])
  })

  it('names no more in a header than one may have', async () => {
    for (let at = 0; at < 30; at++)
      await tables.put({ code: { S: `${at}${'é'.repeat(190)}` }, version: { S: 'none' } })
    const { headers } = await list('none', 'limit=100')
    expect(headers['backsync-unreadable']).toMatch(/^32;keys="/)
    expect(headers['backsync-unreadable']?.length).toBeLessThan(2100)
  })
})
