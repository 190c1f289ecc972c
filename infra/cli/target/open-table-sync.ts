import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import { openTables, type TableSyncParts } from '../../../functions/bridge/tables/open-tables.ts'
import { projections, tables } from '../../../functions/tables/index.ts'
import type { Context } from '../conventions/command.ts'
import { stderrLog } from './log.ts'
import { tablesOf, UNCOUNTED } from './settings.ts'
import { outputOf } from './target.ts'

/** What a command needs to keep tables as their stream function does, and the jobs beside it. */
export const openTableSync = ({
  target,
  io,
  debug,
}: Pick<Context, 'target' | 'io' | 'debug'>): TableSyncParts =>
  openTables(
    {
      TABLES: tablesOf(
        target,
        [...tables, ...projections].map(({ name }) => name),
      ),
      PARKING_TABLE: outputOf(target, 'ParkingTableName'),
      TOMBSTONES_TABLE: outputOf(target, 'TombstonesTableName'),
      JOBS_TABLE: outputOf(target, 'JobsTableName'),
    },
    { projections, deadline: new Deadline(), log: stderrLog(io, debug), metrics: UNCOUNTED },
  )
