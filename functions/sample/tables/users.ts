import { replicate } from '../../bridge/tables/projection.ts'
import { defineTable } from '../../bridge/tables/table.ts'

export const users = defineTable({ name: 'users', key: { partition: 'email' } })

/** A user for each city, for whoever looks for one there. (`keepApart: true` would have them all.) */
export const usersByCity = replicate({
  from: users,
  to: 'users-by-city',
  key: { partition: 'state', sort: 'city' },
  omit: ['zipcode'],
})
