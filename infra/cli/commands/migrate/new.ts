import * as z from 'zod'
import { defineCommand } from '../../conventions/command.ts'
import { FOLDER } from './input.ts'

const name = z.string().transform((text, context): string => {
  if (/^[a-z0-9]+(?:_[a-z0-9]+)*$/.test(text) && !/^\d+_/.test(text) && text.length <= 100) return text
  const instead = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^[\d_]+|_+$/g, '')
    .slice(0, 100)
  const say = instead === '' ? 'add_dishes' : instead
  context.addIssue({
    code: 'custom',
    message: `${JSON.stringify(text)} is no name of a migration: small letters, digits and _, without the number; say ${say}`,
  })
  return z.NEVER
})

export const newMigration = defineCommand({
  name: 'new',
  summary: 'Makes the two files of a migration, with the next free number.',
  arguments: [{ name: '<name>', summary: 'such as add_dishes' }],
  flags: [FOLDER.flag],
  on: 'checkout',
  writes: true,
  examples: ['backsync migrate new add_dishes'],
  notes: 'Until a statement is in both files, whatever reads the folder refuses it.',
  input: { arguments: z.tuple([name]), options: z.object({ folder: FOLDER.value }) },
  run: async (context, { args: [given], options }) =>
    (await import('./run-new.ts')).runNew(context, given, options),
})
