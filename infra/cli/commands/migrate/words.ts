import type { LineName } from '../../../../functions/bridge/migrations/lines.ts'
import type { TextPlace } from '../../../../functions/bridge/migrations/split.ts'

/** `bridge/0001_tombstones`, `0003_adopt_chefs` */
export const nameOfLine = (line: LineName, migration: string): string =>
  line === 'bridge' ? `bridge/${migration}` : migration

/** `2, line 12` */
export const whereOf = (statement: number, place: TextPlace | undefined): string =>
  place === undefined ? String(statement) : `${statement}, line ${place.line}`
