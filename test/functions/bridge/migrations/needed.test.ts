import { describe, expect, it } from '@jest/globals'
import { neededBy } from '../../../../functions/bridge/migrations/needed.ts'
import { removedBy } from '../../../../functions/bridge/migrations/removed.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import { defineEntity, type EntityDefinition } from '../../../../functions/bridge/model/entity.ts'
import { autoIncrement } from '../../../../functions/bridge/model/identity.ts'
import { type Route, unmoved } from '../../../../functions/bridge/model/route.ts'

const entity = (more: Partial<EntityDefinition> = {}) =>
  defineEntity({
    name: 'dish',
    plural: 'dishes',
    keyName: 'dishId',
    table: 'dishtable',
    identity: autoIncrement('id'),
    attributes: { title: text({ column: 'name', maxLength: 60 }) },
    example: { title: 'soup' },
    ...more,
  })

const at = (stage: Route['stage'], more: Partial<Route> = {}): Route => ({
  ...unmoved('dish'),
  stage,
  ...more,
})

describe('what a statement takes away', () => {
  it.each([
    ['ALTER TABLE dishtable DROP COLUMN name', ['dishtable.name drops']],
    ['alter table `dishtable` drop `name`, drop index x, drop primary key', ['dishtable.name drops']],
    [
      'ALTER TABLE shop.dishtable RENAME COLUMN a TO b, CHANGE c c INT, CHANGE d e INT',
      ['dishtable.a renames', 'dishtable.d renames'],
    ],
    ['ALTER TABLE dishtable RENAME TO meals', ['dishtable.* renames']],
    ['RENAME TABLE dishtable TO meals, b TO c', ['dishtable.* renames', 'b.* renames']],
    ['DROP TABLE IF EXISTS a, `shop`.`b` CASCADE', ['a.* drops', 'b.* drops']],
    ["ALTER TABLE dishtable COMMENT 'DROP COLUMN name', RENAME INDEX a TO b", []],
    ['DROP INDEX name ON dishtable', []],
    ['CREATE INDEX name ON dishtable (name)', []],
  ])('%s', (statement, expected) => {
    const found = removedBy(statement).map(({ table, column = '*', how }) => `${table}.${column} ${how}`)
    expect(found).toEqual(expected)
  })
})

describe('is needed', () => {
  const drop = { table: 'dishtable', column: 'name', how: 'drops' } as const
  const why = (one: ReturnType<typeof entity>, route?: Route) => neededBy(drop, [one], async () => route)

  it('by the definition, whatever the stage', async () => {
    expect(await why(entity())).toContain('dishtable.name holds its attribute title')
    expect(await why(entity(), at('live', { percent: 30 }))).toContain('Its route is live 30 %')
  })

  it('by the stage of a route that may go back there, though the definition says retired', async () => {
    const said = await why(entity({ retired: true }), at('live', { percent: 100 }))
    expect(said).toContain('Its route is live 100 %, which may write there still')
    expect(said).toContain('npx backsync cutover plan dish complete')
    expect(await why(entity({ retired: true }), at('complete', { epoch: 5n }))).toContain(
      'may write there still',
    )
  })

  it('no more once it is retired and its route settled at complete, nor by another table', async () => {
    const settled: Partial<Route> = { epoch: 5n, settled: { epoch: 5n, at: '2026-11-30T00:00:00Z' } }
    expect(await why(entity({ retired: true }), at('complete', settled))).toBeUndefined()
    expect(await neededBy({ ...drop, table: 'other' }, [entity()], async () => undefined)).toBeUndefined()
    expect(await neededBy({ ...drop, column: 'other' }, [entity()], async () => undefined)).toBeUndefined()
  })
})
