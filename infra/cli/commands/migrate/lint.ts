import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { FOLDER } from './input.ts'

export const lint = defineCommand({
  name: 'lint',
  summary: 'Looks the migrations over for what hurts a live system, by their text: no database is needed.',
  arguments: [{ name: '[migrations...]', summary: 'such as 0100_dishes (default: all of the folder)' }],
  flags: [
    { flags: '--format <format>', summary: 'text, json, or github for annotations (default: text)' },
    FOLDER.flag,
  ],
  on: 'checkout',
  writes: false,
  examples: ['backsync migrate lint', 'backsync migrate lint 0100_dishes --format github'],
  notes: [
    'A rule is answered in the file, with a reason, for the statement behind it: -- backsync:allow drop-column nobody reads it since 2.4',
    'Exit code 3 where a rule of the severity error is broken; warnings leave it 0.',
  ].join('\n'),
  input: {
    arguments: z.tuple([z.array(z.string()).default([])]),
    options: z.object({
      format: z.enum(['text', 'json', 'github'], '--format is text, json or github').optional(),
      folder: FOLDER.value,
    }),
  },
  run: async (context, { args: [names], options }) =>
    (await import('./run-lint.ts')).runLint(context, names, options),
})
