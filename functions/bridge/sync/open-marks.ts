import type { Kysely } from 'kysely'
import { AuroraMarks } from '../aurora/aurora-marks.ts'
import type { OwnTable } from '../drivers/dynamo/own-table.ts'
import { DynamoMarks } from '../jobs/dynamo-marks.ts'
import { StoreMarks } from './store-marks.ts'

/** The marks of both stores. @param own the table of jobs */
export const openMarks = ({ db, ...own }: OwnTable & { readonly db: Kysely<unknown> }): StoreMarks =>
  new StoreMarks({ aurora: new AuroraMarks(db), dynamo: new DynamoMarks(own) })
