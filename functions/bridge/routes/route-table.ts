import type { StateTableKeys } from '../drivers/dynamo/state-table.ts'

/** The table in which DynamoDB keeps where routes stand: one item an entity, which never expires. */
export const routeTable = { partition: 'entity', expiry: 'expires' } as const satisfies StateTableKeys
