import type {
  MigrationStanding,
  StatementStanding,
} from '../../../../functions/bridge/migrations/standing.ts'
import type { Context } from '../../conventions/command.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { printJsonLines, printLine, printTable } from '../../conventions/results.ts'
import { openMigrator } from '../../target/open-migrator.ts'
import { nameOfLine, whereOf } from './words.ts'

export const runStatus = async (
  context: Context,
  { folder }: { readonly folder?: string | undefined },
): Promise<ExitCode> => {
  const { io, json } = context
  const { migrator, close } = openMigrator(context, { folder })
  try {
    const standings = await migrator.standings()
    const open = standings.filter(({ state }) => state !== 'applied')
    if (json) printJsonLines(io, standings)
    else {
      if (standings.length === 0) printLine(io, 'there are no migrations')
      else
        printTable(
          io,
          ['migration', 'state', 'statements', 'applied', 'by'],
          standings.map(({ line, migration, state, done, statements, appliedAt, by }) => [
            nameOfLine(line, migration),
            state,
            state === 'missing' ? `${done} done` : `${done} of ${statements.length}`,
            appliedAt ?? '-',
            by ?? '-',
          ]),
        )
      const rows = open.filter(({ state }) => state !== 'pending').flatMap(rowsOf)
      if (rows.length > 0) {
        printLine(io, '')
        printTable(io, ['migration', 'statement', 'state', 'what'], rows)
      }
      for (const one of open) for (const next of nextOf(one)) printLine(io, next)
    }
    return open.length === 0 ? EXIT.done : EXIT.differences
  } finally {
    await close()
  }
}

const rowsOf = ({ line, migration, statements }: MigrationStanding): string[][] =>
  statements.map(({ statement, place, state, shape }) => [
    nameOfLine(line, migration),
    whereOf(statement, place),
    state,
    shape,
  ])

/** What to do about it. */
const nextOf = ({ migration, state, statements }: MigrationStanding): string[] => {
  const at = (wanted: StatementStanding['state']): number | undefined =>
    statements.find((one) => one.state === wanted)?.statement
  switch (state) {
    case 'unknown':
      return [`${migration}: npx backsync migrate repair ${migration} ${at('unknown')}`]
    case 'changed': {
      const which = at('changed')
      return [
        `${migration}: restore ${which === undefined ? 'the file' : `statement ${which}`}, and add a new migration instead`,
      ]
    }
    case 'out of order':
      return [`${migration}: give it a number above all that are applied`]
    case 'missing':
      return [`${migration}: it is applied, and its file isn't here: bring it back`]
    case 'interrupted':
      return [
        `${migration}: npx backsync migrate ${migration.endsWith('.down') ? 'down' : 'up'} goes on with it`,
      ]
    default:
      return []
  }
}
