import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf } from '../../../errors/thrown.ts'
import type { Context } from '../../conventions/command.ts'
import { CliError } from '../../conventions/errors.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { printJson, printLine } from '../../conventions/results.ts'
import { MIGRATIONS } from '../../target/checkout.ts'

const MOST = 9_999

const TEXTS = {
  up: '-- What it does, and why. A lint rule is answered in a comment: -- backsync:allow RULE because ...\n',
  down: '-- How a development database gets rid of it. Production goes forward.\n',
} as const

/** @throws CliError where no number is free, or the files can't be written */
export const runNew = async (
  { io, json, dryRun }: Context,
  name: string,
  { folder = MIGRATIONS }: { readonly folder?: string | undefined },
): Promise<ExitCode> => {
  // By the names alone: one that is just being written holds no statement yet.
  const numbers = namesIn(folder).map((file) => Number(/^(\d{4})_/.exec(file)?.[1] ?? 0))
  const next = Math.max(0, ...numbers) + 1
  if (next > MOST)
    throw new CliError({
      code: 'migrate.no-number',
      message: `${folder} has a migration ${MOST}: no number is left`,
    })
  const base = `${String(next).padStart(4, '0')}_${name}`
  const files = (['up', 'down'] as const).map((direction) => ({
    path: join(folder, `${base}.${direction}.sql`),
    text: TEXTS[direction],
  }))
  // Somebody may have made the same at the same moment.
  if (!dryRun) for (const { path, text } of files) writeFileSync(path, text, { flag: 'wx' })
  if (json) printJson(io, { migration: base, files: files.map(({ path }) => path), dryRun })
  else for (const { path } of files) printLine(io, path)
  return EXIT.done
}

const namesIn = (folder: string): string[] => {
  try {
    return readdirSync(folder)
  } catch (cause) {
    if (codeOf(cause) !== 'ENOENT') throw cause
    throw new CliError(
      {
        code: 'migrate.no-folder',
        message: `there is no folder ${folder}`,
        hint: 'make it, or name another with --folder',
      },
      { cause },
    )
  }
}
