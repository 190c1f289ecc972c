import type { Projection } from '../bridge/tables/projection.ts'
import type { Table } from '../bridge/tables/table.ts'
import { userPreferences, userPreferencesV2 } from './user-preferences.ts'
import { users, usersByCity } from './users.ts'

/** The tables that jobs read. */
export const tables: readonly Table[] = [users, userPreferences]

/** The tables that are kept by another one. A new one is declared in a file, and has a place here. */
export const projections: readonly Projection[] = [usersByCity, userPreferencesV2]
