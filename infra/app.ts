import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { App } from 'aws-cdk-lib/core'
import { entities } from '../functions/entities/index.ts'
import { projections, tables } from '../functions/tables/index.ts'
import { readSettings, SettingsError } from './settings.ts'
import { BacksyncStack } from './stack.ts'

const cdkJson: { context: Record<string, unknown> } = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', 'cdk.json'), 'utf8'),
)

// The CDK command passes cdk.json's context in the environment, and that wins; without the command (`npm start`,
// `npm run synth`) it is read here, so that feature flags, and with them the template, are the same either way.
const app = new App({
  outdir: process.env.CDK_OUTDIR ?? 'cdk.out',
  context: cdkJson.context,
  analyticsReporting: false,
})

try {
  new BacksyncStack(app, 'Backsync', { settings: readSettings(app.node), entities, tables, projections })
  app.synth()
} catch (error) {
  if (!(error instanceof SettingsError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
