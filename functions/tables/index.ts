import type { Projection } from '../bridge/tables/projection.ts'
import type { Table } from '../bridge/tables/table.ts'
import { sampleProjections, sampleTables } from '../sample/tables/index.ts'

/** The tables that jobs read. */
export const tables: readonly Table[] = [...sampleTables]

/** The tables that are kept by another one. A new one is declared in a file, and has a place here. */
export const projections: readonly Projection[] = [...sampleProjections]
