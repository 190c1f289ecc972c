import { readFileSync } from 'node:fs'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { changesIn } from '../../../../functions/bridge/normalise/changes-in.ts'
import { dish } from '../../../fixtures/legacy-functions/dish.ts'
import { written } from '../../../fixtures/legacy-functions/own-code.ts'
import { handler } from '../../../fixtures/legacy-functions/own-handler.ts'

const KEY = '01990000-0000-7000-8000-000000000001'
const root = new URL('../../../../', import.meta.url)

const v2 = (method: string, path: string, body?: unknown) => ({
  ...{ version: '2.0', rawPath: path, headers: { 'content-type': 'application/json' } },
  ...{ requestContext: { http: { method } }, ...(body !== undefined && { body: JSON.stringify(body) }) },
})
const v1 = (method: string, path: string, body?: unknown) => ({
  ...{ resource: path, path, httpMethod: method, headers: { 'content-type': 'application/json' } },
  body: body === undefined ? null : JSON.stringify(body),
})
const record = (sequence: string, title: string | undefined, version = '1') => {
  const image = { dishId: { S: KEY }, version: { N: version }, updatedAt: { S: '2026-11-22T03:00:00.123Z' } }
  return {
    ...{ eventName: title === undefined ? 'REMOVE' : 'INSERT', eventSource: 'aws:dynamodb' },
    eventSourceARN: 'arn:aws:dynamodb:us-east-1:123456789012:table/Dishes/stream/2026-11-22T00:00:00.000',
    dynamodb: {
      ...{ ApproximateCreationDateTime: 1795316400, SequenceNumber: sequence, Keys: { dishId: { S: KEY } } },
      ...(title === undefined ? { OldImage: image } : { NewImage: { ...image, title: { S: title } } }),
    },
  }
}

describe('what an event asks for', () => {
  it.each([
    ['REST API', v1],
    ['HTTP API', v2],
  ])('of a %s is a write in the one shape', (_, event) => {
    const make = changesIn(event('POST', '/aurora/dishes', { title: 'Soup' }), { entities: [dish] })
    expect(make).toMatchObject({
      ...{ from: 'api', refused: [] },
      changes: [{ entity: 'dish', op: 'upsert', row: { title: 'Soup' }, version: 1n }],
    })
    const put = changesIn(event('PUT', `/aurora/dishes/${KEY}`, { title: 'Pie' }), { entities: [dish] })
    expect(put.changes).toEqual([
      { entity: 'dish', key: KEY, op: 'upsert', row: { title: 'Pie' }, at: expect.any(String) },
    ])
    const remove = changesIn(event('DELETE', `/aurora/dishes/${KEY}`), { entities: [dish] })
    expect(remove.changes).toEqual([{ entity: 'dish', key: KEY, op: 'delete', at: expect.any(String) }])
  })

  it('that is no good is refused with the answer', () => {
    const { changes, refused } = changesIn(v2('POST', '/aurora/dishes', { title: 7 }), { entities: [dish] })
    expect(changes).toEqual([])
    expect(refused).toMatchObject([{ answer: { statusCode: 400 } }])
  })
})

describe("a handler of a team's own", () => {
  beforeEach(() => void written.splice(0))

  it('takes both triggers through one code path', async () => {
    expect(await handler(v2('PUT', `/aurora/dishes/${KEY}`, { title: 'Pie' }))).toEqual({ statusCode: 204 })
    const records = [
      record('1', 'Soup'),
      record('2', 'fails', '2'),
      record('3', undefined, '3'),
      record('4', 'Pie', 'x'),
    ]
    expect(await handler({ Records: records })).toEqual({
      batchItemFailures: [{ itemIdentifier: '4' }, { itemIdentifier: '2' }],
    })
    expect(written).toEqual([
      ['save', KEY, { title: 'Pie' }, undefined],
      ['save', KEY, { title: 'Soup' }, 1n],
      ['remove', KEY, 4n],
    ])
    expect(await handler(v1('GET', `/aurora/dishes/${KEY}`))).toEqual({ statusCode: 405 })
    expect(await handler(v1('POST', '/aurora/dishes', {}))).toMatchObject({ statusCode: 400 })
  })

  it('is the one that the README shows, in no more than twenty lines', () => {
    const readme = readFileSync(new URL('functions/entities/README.md', root), 'utf8')
    const own = readFileSync(new URL('test/fixtures/legacy-functions/own-handler.ts', root), 'utf8')
    const shown = own.replaceAll("'../../../functions/bridge/", "'../bridge/")

    expect(readme).toContain(`\`\`\`ts\n${shown}\`\`\``)
    expect(own.trimEnd().split('\n').length).toBeLessThanOrEqual(20)
  })

  it('stands beside shapes of code of a team’s own, each shown in under thirty lines', () => {
    const readme = readFileSync(new URL('functions/entities/README.md', root), 'utf8')
    const lengths = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(
      ([, code = '']) => code.trimEnd().split('\n').length,
    )

    expect(lengths.length).toBeGreaterThan(4)
    expect(Math.max(...lengths)).toBeLessThan(30)
  })
})
