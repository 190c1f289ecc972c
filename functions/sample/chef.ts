import { text } from '../bridge/model/attributes/text.ts'
import { defineEntity } from '../bridge/model/entity.ts'
import { autoIncrement } from '../bridge/model/identity.ts'

export const chef = defineEntity({
  name: 'chef',
  plural: 'chefs',
  keyName: 'chefId',
  table: 'cheftable',
  identity: autoIncrement('id'),
  attributes: {
    firstName: text({ column: 'cheffirst', maxLength: 255 }),
    lastName: text({ column: 'cheflast', maxLength: 255 }),
  },
  mirror: {},
  example: { firstName: 'Bobby', lastName: 'Flay' },
})
