import type { CommandGroup } from '../../conventions/command.ts'
import { drop } from './drop.ts'
import { list } from './list.ts'
import { retry } from './retry.ts'
import { show } from './show.ts'

/** Changes that back-sync could not apply. */
export const parked: CommandGroup = {
  name: 'parked',
  summary: 'Changes that could not be written back and are set aside: list, show, retry, drop.',
  commands: [list, show, retry, drop],
}
