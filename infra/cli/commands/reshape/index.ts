import type { CommandGroup } from '../../conventions/command.ts'
import { repairCommand } from '../kept-tables/repair-command.ts'
import { statusCommand } from '../kept-tables/status-command.ts'
import { finish } from './finish.ts'
import { start } from './start.ts'

/** A table whose items become another table's, in another shape. */
export const reshape: CommandGroup = {
  name: 'reshape',
  summary: "New tables with another shape of a table's items: start, status, repair, finish.",
  commands: [
    start,
    statusCommand({
      kind: 'reshape',
      summary: 'Shows where new tables stand: how far they are filled, and what to do next.',
      example: 'user-preferences-v2',
    }),
    repairCommand({ kind: 'reshape', example: 'user-preferences-v2' }),
    finish,
  ],
}
