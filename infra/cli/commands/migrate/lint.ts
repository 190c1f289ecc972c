import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { FOLDER } from './input.ts'

export const lint = defineCommand({
  name: 'lint',
  summary: 'Looks the migrations over for what hurts a live system: by their text, or by the schema too.',
  arguments: [{ name: '[migrations...]', summary: 'such as 0100_dishes (default: all of the folder)' }],
  flags: [
    { flags: '--format <format>', summary: 'text, json, or github for annotations (default: text)' },
    {
      flags: '--schema',
      summary: "ask the stack's database and routes too: of what is pending (default with --stack)",
    },
    FOLDER.flag,
  ],
  on: 'either',
  writes: false,
  examples: [
    'backsync migrate lint',
    'backsync migrate lint --schema',
    'backsync migrate lint 0100_dishes --format github',
  ],
  notes: [
    'A rule is answered in the file, with a reason, for the statement behind it: -- backsync:allow drop-column nobody reads it since 2.4',
    'Without --schema no stack is needed. What an entity of this checkout needs is never to be dropped or renamed; with it, nor what the stage of',
    'a route needs, and the tables that there are say what a statement blocks, and on what it would fail.',
    'Exit code 3 where a rule of the severity error is broken; warnings leave it 0.',
  ].join('\n'),
  input: {
    arguments: z.tuple([z.array(z.string()).default([])]),
    options: z.object({
      format: z.enum(['text', 'json', 'github'], '--format is text, json or github').optional(),
      schema: z.boolean().optional(),
      folder: FOLDER.value,
    }),
  },
  run: async (context, { args: [names], options }) =>
    (await import('./run-lint.ts')).runLint(context, names, options),
})
