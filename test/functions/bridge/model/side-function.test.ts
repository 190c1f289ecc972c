import { describe, expect, it } from '@jest/globals'
import { readHttpEvent } from '../../../../functions/bridge/http/request.ts'
import { defineEntity, type EntityDefinition } from '../../../../functions/bridge/model/entity.ts'
import { natural } from '../../../../functions/bridge/model/identity.ts'
import { type SideRequest, sideEvent } from '../../../../functions/bridge/model/side-event.ts'
import { sideFunction } from '../../../../functions/bridge/model/side-function.ts'
import { chefDefinition } from '../../../fixtures/entities/chef.ts'

const ARN = 'arn:aws:lambda:eu-west-1:123456789012:function:chefs'
const define = (more: Partial<EntityDefinition>) => defineEntity({ ...chefDefinition, mirror: {}, ...more })

describe('the definition of a function that serves a side', () => {
  it('has defaults, and may stand for either side', () => {
    const made = sideFunction({ functionArn: ARN })
    expect(made).toEqual({ functionArn: ARN, payload: '2.0', names: 'key', timeout: 10 })
    expect(define({ sides: { aurora: made, dynamo: made } }).sides).toEqual({ aurora: made, dynamo: made })
    expect(define({}).sides).toBeUndefined()
  })

  it.each([
    ['is no ARN', { functionArn: 'chefs' }],
    ['is no ARN', { functionArn: `${ARN}:*` }],
    ["can't be a path", { functionArn: ARN, path: 'chefs' }],
    ["can't be a path", { functionArn: ARN, path: '/chefs/{id}' }],
    ['timeout is a whole number from 1 to 22', { functionArn: ARN, timeout: 29 }],
    ['timeout is a whole number from 1 to 22', { functionArn: ARN, timeout: 0.5 }],
  ])('is refused where what it says %s: %j', (why, definition) => {
    expect(() => sideFunction(definition)).toThrow(why)
  })

  const one = sideFunction({ functionArn: ARN })
  const byId = sideFunction({ functionArn: ARN, names: 'id' })
  it.each<[string, Partial<EntityDefinition>]>([
    ['names no function', { sides: {} }],
    ['say mirror: {}', { sides: { aurora: one }, mirror: undefined }],
    ["plainSql: 'refuse'", { sides: { aurora: one }, mirror: { plainSql: 'record' } }],
    ['items have no ids', { sides: { dynamo: byId } }],
    [
      'only rows that are counted',
      { sides: { aurora: byId }, identity: natural(['cheffirst'], { collation: 'utf8mb4_bin' }) },
    ],
  ])('is refused beside what does not go with it: %s', (why, more) => {
    const { mirror, ...rest } = { mirror: {}, ...more }
    const definition = { ...chefDefinition, ...rest, ...(mirror && { mirror }) }
    expect(() => defineEntity(definition)).toThrow(why)
  })
})

describe('a request as the event of a side’s function', () => {
  const request: SideRequest = {
    ...{ method: 'PUT', path: '/v1/chefs/a b', parameters: { chefId: 'a b' }, query: { q: 'ä&1' } },
    ...{ headers: { 'if-match': '"3"' }, body: Buffer.from('{"a":"ä"}'), requestId: 'r' },
    ...{ authorizer: { jwt: { claims: { iss: 'i', sub: 's' } } }, at: Date.UTC(2026, 10, 30) },
  }

  it.each(['1.0', '2.0'] as const)('is one that any handler of an API reads, in payload %s', (payload) => {
    const read = readHttpEvent(sideEvent({ payload }, request))
    expect(read).toMatchObject({
      ...{ method: 'PUT', path: '/v1/chefs/a b', query: { q: 'ä&1' }, headers: { 'if-match': '"3"' } },
      principal: 'jwt:i s',
    })
    expect(Buffer.from(read?.body ?? []).toString()).toBe('{"a":"ä"}')
  })

  it.each(['1.0', '2.0'] as const)(
    'has bytes that are no text as base64, and no body where there is none, in %s',
    (payload) => {
      const bytes = readHttpEvent(sideEvent({ payload }, { ...request, body: Buffer.from([255, 0, 128]) }))
      expect([...(bytes?.body ?? [])]).toEqual([255, 0, 128])
      expect(readHttpEvent(sideEvent({ payload }, { ...request, body: undefined }))?.body).toBeUndefined()
    },
  )
})
