import { describe, expect, it } from '@jest/globals'
import { partOf } from '../../../../functions/bridge/model/cohort.ts'
import {
  majorityOf,
  type Route,
  STAGES,
  standsAt,
  targetOf,
  unmoved,
} from '../../../../functions/bridge/model/route.ts'

const routeAt = (standing: Partial<Route>): Route => ({ ...unmoved('chef'), salt: 's', ...standing })
const keys = Array.from({ length: 500 }, (_, at) => `chef-${at}`)
const ofDynamo = (route: Route) => keys.filter((key) => targetOf(route, key) === 'dynamo')

describe('the target of a key', () => {
  it('is Aurora before a route is live, and DynamoDB when it is complete, whatever is listed', () => {
    const lists = { allow: ['chef-1'], deny: ['chef-2'] }
    for (const stage of STAGES.slice(0, 3)) expect(ofDynamo(routeAt({ stage, ...lists }))).toEqual([])
    expect(ofDynamo(routeAt({ stage: 'complete', ...lists }))).toEqual(keys)
  })

  it('is DynamoDB in the share of a live route, by the hash of salt and key', () => {
    const among = keys.filter((key) => partOf('s', key) < 3000)
    expect(ofDynamo(routeAt({ stage: 'live', percent: 30 }))).toEqual(among)
    expect(ofDynamo(routeAt({ stage: 'live', percent: 0 }))).toEqual([])
    expect(ofDynamo(routeAt({ stage: 'live', percent: 100 }))).toEqual(keys)
    expect(ofDynamo(routeAt({ stage: 'live', percent: 30, salt: 'other' }))).not.toEqual(among)
  })

  it('is what a list says, first', () => {
    expect(ofDynamo(routeAt({ stage: 'live', percent: 0, allow: ['chef-7'] }))).toEqual(['chef-7'])
    const but = ofDynamo(routeAt({ stage: 'live', percent: 100, deny: ['chef-7'] }))
    expect(but).toEqual(keys.filter((key) => key !== 'chef-7'))
  })

  it('is Aurora where nobody has moved the route', () => {
    expect(ofDynamo(unmoved('chef'))).toEqual([])
    expect(unmoved('chef').epoch).toBe(0n)
  })
})

describe('where a route stands', () => {
  it('says which store has more of the keys', () => {
    expect(majorityOf({ ...unmoved('chef'), stage: 'shadow' })).toBe('aurora')
    expect(majorityOf(routeAt({ stage: 'live', percent: 50 }))).toBe('aurora')
    expect(majorityOf(routeAt({ stage: 'live', percent: 50.01 }))).toBe('dynamo')
    expect(majorityOf(routeAt({ stage: 'complete', percent: 100 }))).toBe('dynamo')
  })

  it('is told with its share where it has one', () => {
    expect([standsAt({ stage: 'live', percent: 12.5 }), standsAt({ stage: 'shadow', percent: 0 })]).toEqual([
      'live 12.5 %',
      'shadow',
    ])
  })
})
