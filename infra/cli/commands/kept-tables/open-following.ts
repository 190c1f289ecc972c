import type { TableSyncParts } from '../../../../functions/bridge/tables/open-tables.ts'
import type { Projection } from '../../../../functions/bridge/tables/projection.ts'
import type { Context } from '../../conventions/command.ts'
import { CliError } from '../../conventions/errors.ts'
import { EXIT } from '../../conventions/exit-codes.ts'
import { openTableSync } from '../../target/open-table-sync.ts'
import { tableOutput } from '../../target/settings.ts'

/**
 * Opens what keeps a table, where the stack has a stream that does.
 *
 * @throws CliError with exit code 4
 */
export const openFollowing = (
  context: Pick<Context, 'target' | 'io' | 'debug'>,
  { name }: Projection,
): TableSyncParts => {
  const { outputs, description } = context.target
  for (const output of ['TombstonesTableName', 'JobsTableName', tableOutput(name)])
    if (outputs[output] === undefined)
      throw new CliError({
        code: 'tables.not-following',
        message: `no stream keeps ${name}: ${description} has no output ${output}`,
        hint: 'deploy (or start) this version first',
        exit: EXIT.refused,
      })
  return openTableSync(context)
}
