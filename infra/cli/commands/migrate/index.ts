import type { CommandGroup } from '../../conventions/command.ts'
import { baseline } from './baseline.ts'
import { down } from './down.ts'
import { lint } from './lint.ts'
import { newMigration } from './new.ts'
import { plan } from './plan.ts'
import { repair } from './repair.ts'
import { status } from './status.ts'
import { up } from './up.ts'

/** The SQL migrations, the bridge's own and the team's. */
export const migrate: CommandGroup = {
  name: 'migrate',
  summary: 'SQL migrations: new, status, plan, up, down, repair, baseline, lint.',
  commands: [baseline, down, lint, newMigration, plan, repair, status, up],
}
