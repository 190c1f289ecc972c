import type { CommandGroup } from '../../conventions/command.ts'
import { drop } from './drop.ts'
import { list } from './list.ts'
import { redrive } from './redrive.ts'
import { show } from './show.ts'

/** Batches of streams that were given up. */
export const undelivered: CommandGroup = {
  name: 'undelivered',
  summary: 'Batches that an event source gave up on: list, show, redrive, drop.',
  commands: [list, show, redrive, drop],
}
