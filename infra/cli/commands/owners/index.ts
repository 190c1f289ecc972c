import type { CommandGroup } from '../../conventions/command.ts'
import { list } from './list.ts'
import { take } from './take.ts'

/** Whose the keys of entities are, and whether that is known of all of them. */
export const owners: CommandGroup = {
  name: 'owners',
  summary: 'Whether it is known of each key whose it is, Aurora’s or DynamoDB’s: list, take.',
  commands: [list, take],
}
