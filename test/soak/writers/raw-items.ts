import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { Item } from '../../../functions/bridge/drivers/dynamo/items.ts'
import { toAttributes } from '../../../functions/bridge/dynamo/items.ts'
import { chef } from '../../fixtures/entities/chef.ts'
import { recipe } from '../../fixtures/entities/recipe.ts'
import type { SoakEntity } from '../ground.ts'
import type { RawFlavour, RawWrite } from './plan.ts'

const ENTITIES = { chef, recipe } as const

export const isPoison = (flavour: RawFlavour): boolean => POISONS.has(flavour)
const POISONS: ReadonlySet<RawFlavour> = new Set([
  'too-long',
  'wrong-type',
  'too-many-digits',
  'set',
  'no-version',
])

/**
 * An item as a writer that goes past the API leaves it: with attributes that nobody knows, without those that may be
 * missing, with a wrong clock, or broken in one way.
 */
export const rawItem = (
  entity: SoakEntity,
  key: string,
  version: bigint,
  write: RawWrite & { readonly chefId: string },
): Item => {
  const { flavour, row, chefId, updatedAt } = write
  const item: Record<string, AttributeValue> = {
    ...toAttributes(ENTITIES[entity], entity === 'recipe' ? { ...row, chefId } : row),
    [ENTITIES[entity].keyName]: { S: key },
    version: { N: String(version) },
    updatedAt: { S: flavour === 'clock' ? updatedAt : new Date().toISOString() },
  }
  const title = entity === 'chef' ? 'firstName' : 'title'
  if (isPoison(flavour)) item[title] = { S: `POISON ${flavour}` }
  switch (flavour) {
    case 'strange':
      item.loyaltyPoints = { N: '12345678901234567890123456789012345678' }
      item.tags = { SS: ['a', 'b'] }
      break
    case 'sparse':
      for (const name of entity === 'chef'
        ? ['lastName']
        : ['vegetarian', 'servings', 'ingredients', 'notes'])
        delete item[name]
      if (entity === 'chef') item.lastName = { S: '' }
      break
    case 'too-long':
      item[title] = { S: 'POISON'.padEnd(256, 'x') }
      break
    case 'wrong-type':
      item[entity === 'chef' ? 'lastName' : 'difficulty'] = entity === 'chef' ? { N: '1' } : { S: 'EASY' }
      break
    case 'too-many-digits':
      if (entity === 'recipe') item.price = { N: '123456789.125' }
      else item.version = { N: '9007199254740993000' }
      break
    case 'set':
      item[entity === 'chef' ? 'lastName' : 'notes'] = { SS: ['not', 'a', 'document'] }
      break
    case 'no-version':
      delete item.version
      break
  }
  return item
}
