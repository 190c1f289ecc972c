import type { CommandGroup } from '../../conventions/command.ts'
import { repairCommand } from '../kept-tables/repair-command.ts'
import { statusCommand } from '../kept-tables/status-command.ts'
import { fill } from './fill.ts'

/** A table that a stream keeps, with another key or fewer attributes. */
export const replicate: CommandGroup = {
  name: 'replicate',
  summary: 'Tables that a stream keeps under another key: fill, status, repair.',
  commands: [
    fill,
    statusCommand({
      kind: 'replicate',
      summary: 'Shows where replicas stand: when the stream last came, what is parked, what to do next.',
      example: 'users-by-city',
    }),
    repairCommand({ kind: 'replicate', example: 'users-by-city' }),
  ],
}
