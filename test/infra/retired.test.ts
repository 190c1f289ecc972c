import { describe, expect, it } from '@jest/globals'
import type { EntityDescription } from '../../infra/constructs/entity-table.ts'
import { synthesise } from './fixtures/synthesise.ts'

const dish: EntityDescription = { name: 'dish', plural: 'dishes', keyName: 'dishId', mirror: {} }
const step: EntityDescription = { name: 'step', plural: 'steps', keyName: 'stepId', mirror: {} }

const stackOf = (...entities: readonly EntityDescription[]) => {
  const { template } = synthesise({}, entities)
  const all = (type: string) => Object.entries(template.findResources(type))
  const text = (type: string): string => JSON.stringify(all(type))
  return {
    tables: all('AWS::DynamoDB::Table').map(([id]) => id),
    routes: all('AWS::ApiGatewayV2::Route').map(([, { Properties }]) => String(Properties.RouteKey)),
    mappings: text('AWS::Lambda::EventSourceMapping'),
    alarms: all('AWS::CloudWatch::Alarm').map(([id]) => id),
    functions: all('AWS::Lambda::Function').map(([id]) => id),
    tablesOf: (start: string): string => {
      const [, found] = all('AWS::Lambda::Function').find(([id]) => id.startsWith(start)) ?? []
      return JSON.stringify(found?.Properties.Environment.Variables.TABLES)
    },
  }
}

describe('an entity that is retired', () => {
  const before = stackOf(dish, step)
  const after = stackOf({ ...dish, retired: true }, step)

  it('keeps its table, under the very name, and what serves it', () => {
    expect(after.tables).toEqual(before.tables)
    expect(after.routes).toEqual(expect.arrayContaining(['ANY /dishes', 'ANY /dynamo/dishes']))
    expect(after.tablesOf('FacadeFunction')).toContain('DishTable')
    expect(after.tablesOf('ModernApi')).toContain('DishTable')
  })

  it('has no legacy paths', () => {
    const legacy = (routes: readonly string[]) => routes.filter((route) => route.includes('/aurora/dishes'))
    expect(legacy(before.routes)).not.toEqual([])
    expect(legacy(after.routes)).toEqual([])
    expect(after.routes).toContain('ANY /aurora/steps')
  })

  it('has its stream written back by nobody, is carried over by nobody, and no alarm is about it', () => {
    expect([before.mappings.includes('DishTable'), after.mappings.includes('DishTable')]).toEqual([
      true,
      false,
    ])
    expect(after.mappings).toContain('StepTable')
    for (const name of ['BackSyncFunction', 'MirrorFunction', 'BackfillFunction']) {
      expect([name, before.tablesOf(name).includes('DishTable')]).toEqual([name, true])
      expect([name, after.tablesOf(name).includes('DishTable')]).toEqual([name, false])
    }
    expect(before.alarms.filter((id) => id.includes('Dish'))).not.toEqual([])
    expect(after.alarms.filter((id) => id.includes('Dish'))).toEqual([])
  })

  it('leaves nothing of the bridge but what serves it, where it is the last one', () => {
    const last = stackOf({ ...dish, retired: true })
    const made = (start: string) => last.functions.some((id) => id.startsWith(start))
    expect(['MirrorFunction', 'BackfillFunction'].filter(made)).toEqual([])
    expect(['FacadeFunction', 'ModernApi'].filter(made)).toEqual(['FacadeFunction', 'ModernApi'])
    expect(last.mappings).not.toContain('DishTable')
  })
})
