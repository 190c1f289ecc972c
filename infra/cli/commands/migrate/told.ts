import type { MigratorParts } from '../../../../functions/bridge/migrations/migrator.ts'
import { describeRunning } from '../../../../functions/bridge/migrations/running.ts'
import { duration } from '../../conventions/figures.ts'
import type { Io } from '../../conventions/io.ts'

/** What is told of a run while it goes on, beside its result. */
export const told = (io: Io): Pick<MigratorParts, 'onWait' | 'onStatement' | 'onRunning'> => ({
  onWait: (holder) => void io.stderr.write(`waiting for the run of ${holder}\n`),
  onStatement: ({ migration, statement, milliseconds }) => {
    const of = `${migration.name}, statement ${statement} of ${migration.statements.length}`
    if (milliseconds !== undefined) io.stderr.write(`${of}: done in ${duration(milliseconds / 1000)}\n`)
  },
  onRunning: ({ migration, statement, running }) =>
    void io.stderr.write(
      `${migration.name}, statement ${statement} of ${migration.statements.length}: ${describeRunning(running)}\n`,
    ),
})
