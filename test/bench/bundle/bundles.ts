import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { App } from 'aws-cdk-lib/core'
import * as z from 'zod'
import { repository } from '../../../infra/constructs/bundled-code.ts'
import { readSettings } from '../../../infra/settings.ts'
import { BacksyncStack } from '../../../infra/stack.ts'
import { entities } from '../../fixtures/entities/index.ts'
import { projections, tables } from '../../fixtures/tables/index.ts'
import { testSources } from '../../fixtures/team.ts'

/** A bundle of the synthesised stack. */
export type Bundle = {
  /** The functions that run it, by logical id without its hash. */
  readonly functions: readonly string[]
  readonly file: string
  /** Names of the variables that the template gives it. */
  readonly variables: readonly string[]
}

const functionSchema = z.object({
  Type: z.literal('AWS::Lambda::Function'),
  Properties: z.object({
    Code: z.object({ S3Key: z.string() }),
    Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }).optional(),
  }),
})

/** Synthesises the stack into `folder`: each bundle once, however many functions run it. */
export const bundlesIn = (folder: string): Bundle[] => {
  process.env.CDK_VALIDATION = 'false'
  const { context } = z
    .object({ context: z.record(z.string(), z.unknown()) })
    .parse(JSON.parse(readFileSync(join(repository, 'cdk.json'), 'utf8')))
  const app = new App({
    outdir: folder,
    context: { ...context, 'aws:cdk:bundling-stacks': ['**'] },
    analyticsReporting: false,
  })
  const stack = new BacksyncStack(app, 'Backsync', {
    settings: readSettings(app.node),
    entities,
    tables,
    projections,
    sources: testSources,
  })
  const { template } = app.synth().getStackByName(stack.stackName)
  const bundles = new Map<string, Bundle>()
  for (const [id, resource] of Object.entries<unknown>(template.Resources)) {
    const parsed = functionSchema.safeParse(resource)
    if (!parsed.success) continue
    const { Code, Environment } = parsed.data.Properties
    const file = join(folder, `asset.${Code.S3Key.replace(/\.zip$/, '')}`, 'index.mjs')
    // CloudFormation's own helpers come with the CDK, as CommonJS.
    if (!existsSync(file)) continue
    const known = bundles.get(file)
    bundles.set(file, {
      file,
      functions: [...(known?.functions ?? []), id.slice(0, -8)],
      variables: [...new Set([...(known?.variables ?? []), ...Object.keys(Environment?.Variables ?? {})])],
    })
  }
  return [...bundles.values()]
}
