import { join } from 'node:path'
import * as z from 'zod'
import { messageOf } from '../../errors/thrown.ts'
import { runCommand } from '../processes/command.ts'

/** What `backsync mirror install --json` says: what it has made or, with `--dry-run`, would make. */
const answerShape = z.object({
  tables: z.array(z.object({ entity: z.string(), makes: z.array(z.string()) })),
})

/** It may wait for who holds a table, two seconds at a time. */
const WITHIN_MS = 60_000

export type TriggerOptions = {
  /** The checkout, with the command line in it. */
  readonly repository: string
  /** The folder of the stack that runs. */
  readonly home: string
  readonly env: NodeJS.ProcessEnv
  /** Whether the server is somebody else's: it is looked at only. */
  readonly external: boolean
  readonly signal: AbortSignal
}

/** What became of the triggers. */
export type TriggersMade = {
  /** One line for a person, which says what to type where triggers are missing. Whatever goes wrong is in it. */
  readonly line: string
  /** Some were made: the command has woken the relay then. */
  readonly isWoken: boolean
}

/**
 * Has the command line make the triggers of mirrored entities that are missing, or look for them only. The command runs in a
 * process of its own: nothing here knows of entities.
 */
export const makeTriggers = async (options: TriggerOptions): Promise<TriggersMade> => {
  const { repository, home, env, external, signal } = options
  const how = external ? '--dry-run' : '--yes'
  const args = [join(repository, 'infra', 'cli', 'main.ts'), 'mirror', 'install', how, '--json']
  try {
    const { code, output } = await runCommand(process.execPath, args, {
      withinMs: WITHIN_MS,
      cwd: repository,
      env: { ...env, BACKSYNC_HOME: home },
      signal,
    })
    return code === 0 ? said(output, external) : failed(reasonIn(output) ?? `it ended with ${code}`)
  } catch (error) {
    return failed(signal.aborted ? 'interrupted' : messageOf(error))
  }
}

const said = (output: string, external: boolean): TriggersMade => {
  const answer = answerShape.safeParse(jsonIn(output))
  if (!answer.success) return failed(`it answered: ${output}`)
  const { tables } = answer.data
  const count = tables.reduce((sum, { makes }) => sum + makes.length, 0)
  if (count === 0) return asleep('mirror: all triggers are there')
  // An entity has several tables, where it has lists.
  const names = new Set(tables.map(({ entity }) => entity))
  const what = `${count} triggers on the tables of ${[...names].join(', ')}`
  return external
    ? asleep(`mirror: plain SQL is not seen until you make ${what}: ${COMMAND}`)
    : { line: `mirror: made ${what}: plain SQL reaches DynamoDB, too`, isWoken: true }
}

const asleep = (line: string): TriggersMade => ({ line, isWoken: false })

const COMMAND = 'npx backsync mirror install'

const failed = (reason: string): TriggersMade =>
  asleep(
    `mirror: not all triggers are made, so plain SQL may go unseen: ${reason.replaceAll(/\s*\n\s*/g, ' ')}; to try again: ${COMMAND}`,
  )

/** The line in which the command line says what went wrong. */
const reasonIn = (output: string): string | undefined =>
  output
    .split('\n')
    .findLast((line) => line.startsWith('backsync: '))
    ?.slice('backsync: '.length)

/** Its result, past warnings of the runtime. */
const jsonIn = (output: string): unknown => {
  try {
    return JSON.parse(output.slice(Math.max(output.indexOf('{'), 0), output.lastIndexOf('}') + 1))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
