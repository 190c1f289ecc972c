import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import {
  defineEntity,
  type EntityDefinition,
  requireDistinct,
} from '../../../../functions/bridge/model/entity.ts'
import { autoIncrement } from '../../../../functions/bridge/model/identity.ts'
import { pathOf } from '../../../../functions/bridge/model/paths.ts'
import { normaliseApiEvent } from '../../../../functions/bridge/normalise/api.ts'
import { runs } from '../../../support/runs.ts'
import { httpApiEvent, restApiEvent } from '../../fixtures/http-events.ts'

const entity = (name: string, paths?: EntityDefinition['paths']) =>
  defineEntity({
    name,
    plural: `${name}s`,
    keyName: `${name}_id`,
    table: name,
    identity: autoIncrement('id'),
    attributes: { title: text({ column: 'title', maxLength: 10 }) },
    ...(paths && { paths }),
    example: { title: 'x' },
  })

const customer = entity('customer', { legacy: '/v1/customers', modern: '/v2/customers' })
const item = entity('item', { legacy: '/customers', modern: '/shop/order-items' })
const plain = entity('plain')

const asked = (event: unknown, base: string, entities = [customer, item, plain]) => {
  const call = normaliseApiEvent(event, { entities, base, now: () => new Date(0), newKey: () => 'new' })
  if (call === undefined) throw new Error('not an event')
  return call.action === 'refuse'
    ? call.problem.status
    : [call.entity.name, call.action, ...(call.action === 'read' ? [call.key] : [])]
}

describe.each([
  ['HTTP API, payload 2.0', httpApiEvent],
  ['REST API, payload 1.0', restApiEvent],
])('a path of a team, in an event of an %s', (_, event) => {
  it.each([
    ['aurora', '/v1/customers', ['customer', 'list']],
    ['aurora', '/v1/customers/', ['customer', 'list']],
    ['aurora', '/v1/customers/7', ['customer', 'read', '7']],
    ['aurora', '/v1/customers/customers', ['customer', 'read', 'customers']],
    ['aurora', '/customers', ['item', 'list']],
    ['aurora', '/customers/v1', ['item', 'read', 'v1']],
    ['aurora', '/customers/customers', ['item', 'read', 'customers']],
    ['aurora', '/mapped/v1/customers/7', ['customer', 'read', '7']],
    ['aurora', '/aurora/plains/7', ['plain', 'read', '7']],
    ['aurora', '/mapped/customers', ['item', 'list']],
    ['aurora', '/aurora/items', 404],
    ['aurora', '/v2/customers/7', ['item', 'read', '7']],
    ['aurora', '/v1/customers/7/8', 404],
    ['aurora', '/v1/customers/7/customers', 404],
    ['aurora', '/v1', 404],
    ['aurora', '/', 404],
    ['dynamo', '/v2/customers/7', ['customer', 'read', '7']],
    ['dynamo', '/shop/order-items', ['item', 'list']],
    ['dynamo', '/shop', 404],
    ['dynamo', '/order-items', 404],
    ['dynamo', '/dynamo/plains', ['plain', 'list']],
    ['dynamo', '/dynamo/customers', 404],
    ['dynamo', '/v1/customers', 404],
  ])('of %s leads from %s to %j', (base, path, expected) => {
    expect(asked(event('GET', path), base)).toEqual(expected)
  })
})

const segment = fc.constantFrom('a', 'b', 'v1', 'aurora', 'dynamo', 'order-items', 'A', '~x')
const path = fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => `/${segments.join('/')}`)
const pair = fc.option(fc.record({ legacy: path, modern: path }), { nil: undefined })

it('of any definitions that go together leads each request to its own entity, by either gateway', () => {
  let together = 0
  fc.assert(
    fc.property(pair, pair, segment, (one, other, key) => {
      const made = () => {
        const all = [entity('one', one), entity('other', other)]
        requireDistinct(all)
        return all
      }
      const attempt = (): ReturnType<typeof made> => {
        try {
          return made()
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError)
          return []
        }
      }
      const entities = attempt()
      together += entities.length > 0 ? 1 : 0
      for (const own of entities)
        for (const base of ['aurora', 'dynamo']) {
          const at = pathOf(own, base)
          for (const event of [httpApiEvent, restApiEvent]) {
            expect(asked(event('GET', at), base, entities)).toEqual([own.name, 'list'])
            expect(asked(event('GET', `${at}/${key}`), base, entities)).toEqual([own.name, 'read', key])
          }
        }
    }),
    runs(500),
  )
  expect(together).toBeGreaterThan(20)
})
