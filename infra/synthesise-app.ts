import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { App } from 'aws-cdk-lib/core'
import * as z from 'zod'
import { repository } from './constructs/bundled-code.ts'
import { readSettings, SettingsError } from './settings.ts'
import { BacksyncStack, type BacksyncStackProps } from './stack.ts'

/**
 * Synthesises the stack of these lists into CDK_OUTDIR. Settings that are wrong are told in one message, and fail the
 * process.
 *
 * @param contextFiles files of context below the repository, where they are there; what a later one says wins
 */
export const synthesiseApp = (
  lists: Omit<BacksyncStackProps, 'settings'>,
  contextFiles: readonly ContextFile[],
): void => {
  // The CDK command passes both files' context in the environment, and that wins; without the command (`npm start`,
  // `npm run synth`) they are read here, so that feature flags, and with them the template, are the same either way.
  const app = new App({
    outdir: process.env.CDK_OUTDIR ?? 'cdk.out',
    context: Object.assign({}, ...contextFiles.map(contextIn)),
    analyticsReporting: false,
  })
  try {
    new BacksyncStack(app, 'Backsync', { ...lists, settings: readSettings(app.node) })
    app.synth()
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}

/** `cdk.json` is Backsync's own: feature flags. `cdk.context.json` is a team's: settings, and what the CDK looked up. */
export type ContextFile = 'cdk.json' | 'cdk.context.json'

const context = z.record(z.string(), z.unknown())
const shapes: Readonly<Record<ContextFile, z.ZodType<Record<string, unknown>>>> = {
  'cdk.json': z.object({ context }).transform((file) => file.context),
  'cdk.context.json': context,
}

const contextIn = (name: ContextFile): Record<string, unknown> => {
  const file = join(repository, name)
  return existsSync(file) ? shapes[name].parse(JSON.parse(readFileSync(file, 'utf8'))) : {}
}
