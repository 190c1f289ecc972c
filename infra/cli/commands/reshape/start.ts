import { fillCommand } from '../kept-tables/fill-command.ts'

export const start = fillCommand({
  kind: 'reshape',
  name: 'start',
  summary: 'Fills a new table with the items that its source has already.',
  table: 'the new table, such as user-preferences-v2',
  again: 'fill anew what is filled or interrupted, and reopen what is finished',
  examples: [
    'backsync reshape start user-preferences-v2 --dry-run',
    'backsync reshape start user-preferences-v2',
    'backsync reshape start user-preferences-v2 --max-rate 500',
    'backsync reshape start user-preferences-v2 --on aws',
  ],
  notes: [
    'The stream keeps the table from the day that it is deployed; this brings in what was there before, beside it and',
    'under the same guard: it may take days. Interrupted, the same command goes on where it stopped.',
  ].join('\n'),
})
