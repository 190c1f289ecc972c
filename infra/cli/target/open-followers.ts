import { entityReaders } from '../../../functions/bridge/dynamo/entity-reader.ts'
import { projectionIndex } from '../../../functions/bridge/tables/projection-reader.ts'
import type { Follower } from '../../../functions/bridge/undelivered/redrive.ts'
import { entities } from '../../../functions/entities/index.ts'
import { projections } from '../../../functions/tables/index.ts'
import type { Context } from '../conventions/command.ts'
import { openTableSync } from './open-table-sync.ts'
import { openWriteBack } from './open-write-back.ts'
import { tablesOf } from './settings.ts'

/** The functions of a stack that follow streams, each with what it applies changes with. */
export const followersOf = (context: Pick<Context, 'target' | 'io' | 'debug'>): readonly Follower[] => {
  const { outputs } = context.target
  return [
    {
      functionName: outputs.BackSyncFunctionName,
      open: once(async () => {
        const names = tablesOf(
          context.target,
          entities.map(({ item }) => item.table),
        )
        const index = entityReaders(entities, names.names)
        return { mirror: openWriteBack(context), tables: async () => index }
      }),
    },
    ...(projections.length === 0
      ? []
      : [
          {
            functionName: outputs.TableSyncFunctionName,
            open: once(async () => {
              const mirror = openTableSync(context)
              const { states, tables } = mirror
              const all = projections.map(({ name }) => name)
              return {
                mirror,
                tables: async () => projectionIndex(projections, tables.names, await states.finished(all)),
              }
            }),
          },
        ]),
  ]
}

const once = <T>(open: () => Promise<T>): (() => Promise<T>) => {
  let opened: Promise<T> | undefined
  return () => {
    opened ??= open()
    return opened
  }
}
