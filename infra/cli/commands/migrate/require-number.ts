import { readMigrations } from '../../../../functions/bridge/migrations/files.ts'
import { usageError } from '../../conventions/errors.ts'
import { MIGRATIONS } from '../../target/checkout.ts'

/** @throws CliError where the team has no migration of a number that was named */
export const requireNumber = (folder: string = MIGRATIONS, to: number | undefined): void => {
  if (to === undefined) return
  const ids = readMigrations(folder).map(({ id }) => id)
  if (!ids.includes(to))
    throw usageError(
      `--to ${to}: ${folder} has no migration of that number`,
      ids.length === 0 ? 'it has none' : `it has ${ids.map((id) => String(id).padStart(4, '0')).join(', ')}`,
    )
}
