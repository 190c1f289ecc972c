import type { TableSyncParts } from '../../../../functions/bridge/tables/open-tables.ts'
import type { Projection } from '../../../../functions/bridge/tables/projection.ts'
import type { Context } from '../../conventions/command.ts'
import { CliError } from '../../conventions/errors.ts'
import { EXIT } from '../../conventions/exit-codes.ts'
import { openTableSync } from '../../target/open-table-sync.ts'
import { tableOutput } from '../../target/settings.ts'

/**
 * Opens what keeps a table, after making sure that its stream keeps it: what a scan fills in beside no stream would be
 * out of date at once.
 *
 * @param again whether one that is finished may be reopened
 * @throws CliError with exit code 4
 */
export const openFollowing = async (
  context: Pick<Context, 'target' | 'io' | 'debug'>,
  { name, kind }: Projection,
  again: boolean,
): Promise<{ readonly sync: TableSyncParts; readonly finished: boolean }> => {
  const { outputs, description } = context.target
  for (const output of ['TombstonesTableName', 'JobsTableName', tableOutput(name)])
    if (outputs[output] === undefined)
      throw refused(
        `no stream keeps ${name}: ${description} has no output ${output}`,
        'deploy (or start) this version first',
      )
  const sync = openTableSync(context)
  const { state, finishedAt, by } = await sync.states.read(name)
  if (state === 'finished' && !again)
    throw refused(
      `${name} is finished since ${finishedAt ?? '?'} (by ${by ?? '?'}): its stream's changes are no longer for it`,
      `npx backsync ${kind} ${kind === 'reshape' ? 'start' : 'fill'} ${name} --again makes it follow and fills it anew`,
    )
  return { sync, finished: state === 'finished' }
}

const refused = (message: string, hint: string): CliError =>
  new CliError({ code: 'tables.not-following', message, hint, exit: EXIT.refused })
