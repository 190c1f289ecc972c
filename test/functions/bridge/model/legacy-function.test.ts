import { describe, expect, it } from '@jest/globals'
import { readHttpEvent } from '../../../../functions/bridge/http/request.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import { defineEntity, type EntityDefinition } from '../../../../functions/bridge/model/entity.ts'
import { autoIncrement, uuidKey } from '../../../../functions/bridge/model/identity.ts'
import { apiEventV1, apiEventV2, streamEvent } from '../../../../functions/bridge/model/legacy-events.ts'
import { type LegacyCall, legacyFunction } from '../../../../functions/bridge/model/legacy-function.ts'
import { meaningOfApi } from '../../../../functions/bridge/model/legacy-meaning.ts'
import { parseRecord } from '../../../../functions/bridge/normalise/stream-record.ts'

const ARN = 'arn:aws:lambda:eu-west-1:123456789012:function:legacy'
const toEvent = () => ({})

describe('the definition of a function that writes an entity', () => {
  const define = (more: Partial<EntityDefinition>) =>
    defineEntity({
      ...{ name: 'dish', plural: 'dishes', keyName: 'dishId', table: 'dishtable', identity: uuidKey('id') },
      attributes: { title: text({ column: 'title', maxLength: 20 }) },
      example: { title: 'Soup' },
      ...more,
    })

  it('has defaults, and keeps the records beside the rows', () => {
    const made = legacyFunction({ functionArn: ARN, toEvent })
    expect(made).toEqual({ functionArn: ARN, toEvent, batch: 1, lanes: 4, timeout: 10 })
    expect(define({ legacyFunction: made }).record).toBe('sideTable')
    expect(define({}).record).toBe('row')
  })

  it.each<[string, Record<string, unknown>]>([
    ['says either functionArn', {}],
    ['says either functionArn', { functionArn: ARN, module: 'functions/legacy/a.js' }],
    ['is no ARN', { functionArn: 'legacy' }],
    ['is no ARN', { functionArn: `${ARN}:*` }],
    ['is no path', { module: '/etc/passwd.js' }],
    ['is no path', { module: 'functions/../../a.js' }],
    ['is no path', { module: 'functions/legacy' }],
    ['batch is a whole number', { functionArn: ARN, batch: 0 }],
    ['lanes is a whole number', { functionArn: ARN, lanes: 1.5 }],
    ['timeout is a whole number from 1 to 22', { functionArn: ARN, timeout: 60 }],
  ])('is refused: it %s %#', (why, of) => {
    // As a team's JavaScript might have it.
    expect(() => Reflect.apply(legacyFunction, undefined, [{ toEvent, ...of }])).toThrow(why)
  })

  it.each<[string, Partial<EntityDefinition>]>([
    ['its records are beside its rows', { record: 'row' }],
    ['or have a write of their own', { write: async () => undefined }],
    ['meaning or done has to tell the id', { identity: autoIncrement('id') }],
  ])('is refused in an entity: %s', (why, more) => {
    expect(() => define({ legacyFunction: legacyFunction({ functionArn: ARN, toEvent }), ...more })).toThrow(
      why,
    )
  })
})

const call: LegacyCall = {
  ...{
    entity: 'dish',
    op: 'replace',
    key: 'k',
    legacyId: '7',
    ids: {},
    version: 3n,
    at: '2026-11-22T03:00:00.123Z',
  },
  row: { title: 'Crème brûlée' },
  item: {
    keys: { dishId: { S: 'k' } },
    image: { dishId: { S: 'k' }, title: { S: 'Soup' }, raw: { B: Buffer.from('ab') }, version: { N: '3' } },
  },
}

describe('events that are made of calls', () => {
  it.each([
    ['REST API', apiEventV1],
    ['HTTP API', apiEventV2],
  ])('are those of a %s', (_, make) => {
    const event = make(call, { path: '/dishes/7', query: { a: 'b c' }, headers: { 'x-by': 'backsync' } })
    expect(readHttpEvent(JSON.parse(JSON.stringify(event)))).toMatchObject({
      ...{ method: 'PUT', path: '/dishes/7', segments: ['dishes', '7'], query: { a: 'b c' } },
      headers: { 'x-by': 'backsync', 'content-type': 'application/json', 'content-length': '27' },
      body: Buffer.from(JSON.stringify(call.row)),
    })
    const { row: __, ...gone } = { ...call, op: 'delete' } as const
    expect(readHttpEvent(make(gone, { path: '/dishes/7' }))).toMatchObject({
      method: 'DELETE',
      body: undefined,
    })
    expect(readHttpEvent(make({ ...call, op: 'create' }, { path: '/dishes' }))).toMatchObject({
      method: 'POST',
    })
  })

  it('are those of a stream, binary values as base64', () => {
    const { Records } = streamEvent([call, { ...call, op: 'delete', item: { keys: call.item.keys } }])
    const [first, second] = JSON.parse(JSON.stringify(Records)).map(parseRecord)
    expect(first).toMatchObject({
      ...{ eventName: 'MODIFY', origin: { created: 1795316400 } },
      after: { title: { S: 'Soup' }, raw: { B: 'YWI=' }, version: { N: '3' } },
    })
    expect(second).toMatchObject({ eventName: 'REMOVE', before: { dishId: { S: 'k' } } })
  })
})

describe('what an answer of an API means', () => {
  it.each([
    [200, 'applied'],
    [204, 'applied'],
    [302, 'refused'],
    [400, 'refused'],
    [408, 'again'],
    [409, 'waits'],
    [422, 'refused'],
    [424, 'waits'],
    [425, 'again'],
    [429, 'again'],
    [500, 'again'],
    [599, 'again'],
  ])('%i: %s', (statusCode, is) => {
    expect(meaningOfApi({ statusCode })).toMatchObject({ is })
  })

  it.each([undefined, null, 'ok', [200], {}, { statusCode: 'x' }, { statusCode: 0 }, { statusCode: 700 }])(
    '%j: nothing, and it may have been done in part',
    (answer) => {
      expect(meaningOfApi(answer)).toMatchObject({ is: 'refused', unclear: true })
    },
  )

  it('takes the id of what was made from the body, as JSON or as text, in base64 too', () => {
    const idOf = (body: unknown) =>
      typeof body === 'string' ? Number(body.slice(3)) : Number(Reflect.get(Object(body), 'id'))
    const applied = (body: string, more = {}) => meaningOfApi({ statusCode: 201, body, ...more }, idOf)
    expect(applied('{"id":7}')).toEqual({ is: 'applied', legacyId: 7 })
    expect(applied('id=8')).toEqual({ is: 'applied', legacyId: 8 })
    expect(applied(Buffer.from('{"id":9}').toString('base64'), { isBase64Encoded: true })).toMatchObject({
      legacyId: 9,
    })
  })
})
