import type { Kysely } from 'kysely'
import * as z from 'zod'
import type { EntityWriter } from '../../../functions/bridge/ports/entity-writer.ts'
import type { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import type { Log } from '../../../functions/bridge/runtime/log.ts'
import { entities } from '../../../functions/entities/index.ts'
import { UNCOUNTED } from './settings.ts'
import type { Target } from './target.ts'

const names = z.record(z.string(), z.string())

/**
 * What has functions of a team's own write entities, as the stack's functions have it. The client of Lambda is loaded with the
 * first write.
 */
export const openCallingOf =
  ({ outputs }: Target, parts: { readonly deadline: Deadline; readonly log: Log }) =>
  (db: Kysely<unknown>): EntityWriter | undefined => {
    if (entities.every(({ legacyFunction }) => legacyFunction === undefined)) return undefined
    let opened: Promise<EntityWriter> | undefined
    const open = async (): Promise<EntityWriter> => {
      const { openCalling } = await import('../../../functions/bridge/legacy-function/open.ts')
      const functions = names.parse(JSON.parse(outputs.LegacyFunctionNames ?? '{}'))
      return openCalling({ functions, metrics: UNCOUNTED, ...parts })(db)
    }
    const writer = (): Promise<EntityWriter> => {
      opened ??= open()
      return opened
    }
    return {
      apply: async (...of) => (await writer()).apply(...of),
      applyIsolating: async (...of) => (await writer()).applyIsolating(...of),
    }
  }
