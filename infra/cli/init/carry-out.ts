import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { InitPlan } from './plan.ts'

/** A file is no longer what it was when the plan was made. */
export class InitPlanError extends Error {
  override readonly name = 'InitPlanError'
  readonly code = 'init.changed'
}

/**
 * Removes the sample as the plan says. Whoever is killed in the midst of it makes a new plan, which has the rest.
 *
 * @throws InitPlanError before anything is changed, when a file has changed since
 */
export const carryOut = async (repository: string, { steps }: InitPlan): Promise<void> => {
  for (const step of steps)
    if (step.kind === 'rewrite' && (await readFile(join(repository, step.path), 'utf8')) !== step.before)
      throw new InitPlanError(`${step.path} has changed since the plan was made`)
  for (const step of steps) {
    const file = join(repository, step.path)
    if (step.kind === 'delete') {
      await rm(file, { recursive: true, force: true })
      continue
    }
    // A whole file at a time.
    await writeFile(`${file}.new`, step.after)
    await rename(`${file}.new`, file)
  }
}
