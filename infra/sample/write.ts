import { openDynamo } from '../../functions/bridge/drivers/dynamo/client.ts'
import { userPreferences } from '../../functions/sample/tables/user-preferences.ts'
import { reportFailure } from '../cli/conventions/failure.ts'
import { resolveTarget } from '../cli/target/resolve.ts'
import { tableOutput } from '../cli/target/settings.ts'
import { outputOf } from '../cli/target/target.ts'
import { RESTORED, writeSample } from './items.ts'

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
