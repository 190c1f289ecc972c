import { describe, expect, it } from '@jest/globals'
import { cascadeAgainst } from '../../../../functions/bridge/migrations/lint-schema.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import { defineEntity } from '../../../../functions/bridge/model/entity.ts'
import { autoIncrement } from '../../../../functions/bridge/model/identity.ts'

const side = (mirror: boolean) =>
  defineEntity({
    ...{ name: 'side', plural: 'sides', keyName: 'sideId', table: 'Sides', identity: autoIncrement('id') },
    ...(mirror && { mirror: {} }),
    attributes: { label: text({ column: 'label', maxLength: 20 }) },
    example: { label: 'a' },
  })

const KEY = 'FOREIGN KEY (dish) REFERENCES dish (id)'

describe('a foreign key by which the server changes rows itself', () => {
  it.each([
    `ALTER TABLE sides ADD CONSTRAINT of_dish ${KEY} ON DELETE CASCADE, ALGORITHM=INPLACE`,
    `ALTER TABLE \`Sides\` ADD ${KEY} ON UPDATE CASCADE`,
    `CREATE TABLE sides (id INT PRIMARY KEY, dish INT, ${KEY}\n  ON DELETE SET\tNULL)`,
  ])('is warned of where the entity is mirrored: %.60s', (statement) => {
    expect(cascadeAgainst(statement, [side(true)])).toEqual([
      {
        ...{ rule: 'cascade', severity: 'warning' },
        message: expect.stringContaining('npx backsync mirror install side'),
      },
    ])
    expect(cascadeAgainst(statement, [side(false)])).toEqual([])
  })

  it.each([
    `ALTER TABLE sides ADD ${KEY} ON DELETE RESTRICT`,
    `ALTER TABLE other ADD ${KEY} ON DELETE CASCADE`,
    "INSERT INTO sides (label) VALUES ('ON DELETE CASCADE')",
    "ALTER TABLE sides ADD COLUMN c CHAR(20) DEFAULT 'ON DELETE CASCADE'",
  ])('is none, or of a table of nobody’s: %.60s', (statement) => {
    expect(cascadeAgainst(statement, [side(true)])).toEqual([])
  })
})
