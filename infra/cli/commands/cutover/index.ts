import type { CommandGroup } from '../../conventions/command.ts'
import { advance } from './advance.ts'
import { back } from './back.ts'
import { canary } from './canary.ts'
import { decommission } from './decommission.ts'
import { freeze } from './freeze.ts'
import { history } from './history.ts'
import { plan } from './plan.ts'
import { recover } from './recover.ts'
import { set } from './set.ts'
import { status } from './status.ts'
import { sweep } from './sweep.ts'

/** Which side serves which keys of an entity, and moving them. */
export const cutover: CommandGroup = {
  name: 'cutover',
  summary:
    'Which side serves which keys: status, plan, set, advance, back, freeze, history, sweep, canary, recover, decommission.',
  commands: [advance, back, canary, decommission, freeze, history, plan, recover, set, status, sweep],
}
