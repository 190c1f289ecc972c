import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { entityName } from '../../conventions/entity-name.ts'
import { AGAIN, CONCURRENCY, MAX_RATE } from '../../conventions/flags.ts'
import { ROUTE, WHY, why } from './input.ts'

const side = z.enum(['aurora', 'dynamo'], {
  error: '--restored names the store that was restored: aurora or dynamo',
})

export const recover = defineCommand({
  name: 'recover',
  summary: 'After a restore of one store gives all keys to the other one, as that has them.',
  arguments: [ROUTE],
  flags: [
    { flags: '--restored <store>', summary: 'which one was restored: aurora or dynamo' },
    MAX_RATE.flag,
    CONCURRENCY.flag,
    { flags: AGAIN, summary: 'begin anew what was interrupted' },
    WHY,
  ],
  writes: true,
  examples: [
    'backsync cutover recover chef --restored aurora --dry-run',
    'backsync cutover recover chef --restored aurora --max-rate 200',
  ],
  notes: [
    'Keep writers away from the restored store until this has ended: what it accepts before can’t always be told from what it held. The',
    'relay, sweeps and fills have stopped by themselves where the stores say that one was restored, and go on when this has ended. The',
    'route is moved by a new number to the store that has survived, whose content is kept for all keys; only what the restored one still',
    'holds later of its own, and had not been mirrored, is carried over. What it holds beside that is listed under "parked list", with both',
    'contents. Then "backsync resync" brings the restored store up to date, and the route may be moved again. Interrupted or killed, the',
    'same command goes on. Exit code 3: keys are left that can’t be given, each with the reason.',
  ].join('\n'),
  input: {
    arguments: z.tuple([entityName]),
    options: z.object({
      restored: side,
      maxRate: MAX_RATE.value.optional(),
      concurrency: CONCURRENCY.value.optional(),
      again: z.boolean().optional(),
      ...why,
    }),
  },
  run: async (context, { args: [entity], options }) =>
    (await import('./run-recover.ts')).runRecoverCommand(context, entity, options),
})
