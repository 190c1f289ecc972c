import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { numberFlag } from '../../conventions/flags.ts'

const repeat = numberFlag('--repeat', 10_000, { whole: true })

/** Legacy and modern side, and who stands before them, asked the same. */
export const compare = defineCommand({
  name: 'compare',
  summary:
    "Asks legacy and modern side the same, and shows where they differ: the customer's values are in it.",
  arguments: [
    { name: '[method]', summary: 'GET or HEAD; a path alone is read' },
    { name: '[path]', summary: 'as /chefs/17, or as either side has it' },
  ],
  flags: [
    { flags: '--file <requests.http>', summary: 'the requests of a file, as editors run them' },
    { flags: '--name <request>', summary: 'with --file: this one alone' },
    { flags: '--reads-only', summary: 'with --file: pass over requests that may change something' },
    { flags: '--repeat <n>', summary: 'so many times, by turns: tells how long each side takes' },
    { flags: '--header <name: value...>', summary: 'for an API that asks who calls' },
    { flags: '--url <address>', summary: "another address than the stack's own, such as a domain before it" },
  ],
  writes: false,
  examples: [
    'backsync compare GET /chefs/17',
    'backsync compare /chefs?limit=20 --json',
    'backsync compare GET /chefs/17 --repeat 100',
    'backsync compare --file requests.http --reads-only',
  ],
  notes: [
    'Only GET and HEAD are asked: a write would be done at both sides. What differs by the mapping (paths, cursors, the order of lists,',
    'what only the database sets) does not count. "behind" is another version of a key, often one that is on its way: ask again. Exit',
    'code 3 when they differ, 1 when a side has not answered. Nothing is asked twice but by --repeat, whose first round is not counted.',
  ].join('\n'),
  input: {
    arguments: z.tuple([z.string().optional(), z.string().optional()]),
    options: z
      .object({
        file: z.string().optional(),
        name: z.string().optional(),
        readsOnly: z.boolean().optional(),
        repeat: repeat.optional(),
        header: z.array(z.string()).default([]),
        url: z
          .url({ protocol: /^https?$/, error: '--url is no address such as https://api.example.com' })
          .optional(),
      })
      .refine(
        ({ file, name, readsOnly }) => file !== undefined || (name === undefined && readsOnly !== true),
        '--name and --reads-only go with --file',
      ),
  },
  run: async (context, { args: [first, second], options }) =>
    (await import('./run-compare.ts')).runCompare(context, [first, second], options),
})
