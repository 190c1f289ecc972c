import type { CommandGroup } from '../../conventions/command.ts'
import { install } from './install.ts'
import { remove } from './remove.ts'
import { status } from './status.ts'

/** The triggers by which plain SQL on mirrored tables is seen. */
export const mirror: CommandGroup = {
  name: 'mirror',
  summary: 'The triggers on the legacy tables of mirrored entities: install, status, remove.',
  commands: [install, remove, status],
}
