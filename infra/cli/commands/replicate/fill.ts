import { fillCommand } from '../kept-tables/fill-command.ts'

export const fill = fillCommand({
  kind: 'replicate',
  name: 'fill',
  summary: 'Fills a replica with the items that its source has already.',
  table: 'the replica, such as users-by-city',
  again: 'fill anew what is filled or interrupted',
  examples: [
    'backsync replicate fill users-by-city --dry-run',
    'backsync replicate fill users-by-city --max-rate 500',
  ],
  notes:
    'Beside the stream and under the same guard. Interrupted, the same command goes on where it stopped.',
})
