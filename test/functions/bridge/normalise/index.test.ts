import { describe, expect, it } from '@jest/globals'
import { entityReaders } from '../../../../functions/bridge/dynamo/entity-reader.ts'
import { normalise } from '../../../../functions/bridge/normalise/index.ts'
import { UnknownEventError } from '../../../../functions/bridge/runtime/unknown-event.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { httpApiEvent, loadBalancerEvent, restApiEvent } from '../../fixtures/http-events.ts'
import { streamEvent, streamRecord } from '../../fixtures/stream-events.ts'

const context = {
  entities: [chef],
  tables: entityReaders([chef], { chef: 'Chefs' }),
  base: 'aurora',
  now: () => new Date(0),
  newKey: () => '1',
}

describe('whatever triggers a function', () => {
  it('becomes changes of one shape', () => {
    expect(normalise(streamEvent(streamRecord()), context)).toMatchObject({ from: 'stream', changes: [{}] })
    expect(normalise(httpApiEvent('GET', '/aurora/chefs'), context)).toMatchObject({
      from: 'api',
      changes: [],
    })
    expect(normalise(restApiEvent('DELETE', '/aurora/chefs/7'), context)).toMatchObject({
      from: 'api',
      changes: [{}],
    })
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['an empty object', {}],
    ['an empty batch', { Records: [] }],
    ['a queue event', { Records: [{ eventSource: 'aws:sqs', body: '{}' }] }],
    ['a scheduled event', { source: 'aws.events', 'detail-type': 'Scheduled Event' }],
    ["a load balancer's event", loadBalancerEvent],
    ['a list', [streamRecord()]],
  ])('is refused when it is %s', (_, event) => {
    expect(() => normalise(event, context)).toThrow(UnknownEventError)
  })
})
