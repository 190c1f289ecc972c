import { reshape } from '../../bridge/tables/projection.ts'
import { defineTable } from '../../bridge/tables/table.ts'

export const userPreferences = defineTable({
  name: 'user-preferences',
  key: { partition: 'id', sort: 'preferenceType' },
})

/** The same preferences with attributes that say what they are. */
export const userPreferencesV2 = reshape({
  from: userPreferences,
  to: 'user-preferences-v2',
  rename: { value: 'preferenceValue' },
  set: { schemaVersion: 2, enabled: ({ value }) => value !== undefined && value !== 'off' },
  drop: ['legacyFlag'],
})
