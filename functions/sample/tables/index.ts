import type { Projection } from '../../bridge/tables/projection.ts'
import type { Table } from '../../bridge/tables/table.ts'
import { userPreferences, userPreferencesV2 } from './user-preferences.ts'
import { users, usersByCity } from './users.ts'

/** The sample's part of functions/tables/index.ts. */
export const sampleTables: readonly Table[] = [users, userPreferences]
export const sampleProjections: readonly Projection[] = [usersByCity, userPreferencesV2]
