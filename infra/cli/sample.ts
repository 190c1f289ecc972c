import { openDynamo } from '../../functions/bridge/drivers/dynamo/client.ts'
import { userPreferences } from '../../functions/tables/user-preferences.ts'
import { reportFailure } from './conventions/failure.ts'
import { RESTORED, writeSample } from './sample/write-sample.ts'
import { resolveTarget } from './target/resolve.ts'
import { tableOutput } from './target/settings.ts'
import { outputOf } from './target/target.ts'

/** The command behind `npm run sample`: items in the local stack to try the commands for tables on. Never a deployed one. */
const { stdin, stdout, stderr, env } = process
try {
  const target = await resolveTarget({}, env)
  const client = openDynamo()
  const written = await writeSample(client, outputOf(target, tableOutput(userPreferences.name)))
  client.destroy()
  stdout.write(`${userPreferences.name}: ${written.preferences} items; ${RESTORED}: ${written.users} items\n`)
} catch (error) {
  process.exitCode = reportFailure({ stdin, stdout, stderr, env }, error, false)
}
