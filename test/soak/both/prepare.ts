import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { carryOutTriggers, planInstall } from '../../../functions/bridge/aurora/triggers/install-triggers.ts'
import { openDirect } from '../../../functions/bridge/drivers/direct/open.ts'
import { LOCAL_CREDENTIALS } from '../../../infra/local/lambda/variables.ts'
import { REGION } from '../../../infra/local/template/pseudo.ts'
import { entities } from '../../fixtures/mirrored/entities.ts'
import type { Ground } from '../ground.ts'

/**
 * What a legacy database has of its own: a column that nobody maps, and foreign keys that take the rows of others along. Then
 * the triggers of the mirror.
 */
export const prepareBoth = async (ground: Ground): Promise<void> => {
  const sql = await ground.sql()
  try {
    for (const table of ['cheftable', 'recipetable'])
      await sql.query(`ALTER TABLE ${table} ADD COLUMN unmapped INT NULL`)
    await sql.query(
      `ALTER TABLE recipetable DROP FOREIGN KEY recipe_chef,
         ADD CONSTRAINT recipe_of_chef FOREIGN KEY (chef_id) REFERENCES cheftable (id) ON DELETE CASCADE`,
    )
    await sql.query(
      `ALTER TABLE recipe_ingredients DROP FOREIGN KEY ingredient_recipe,
         ADD CONSTRAINT ingredient_of_recipe FOREIGN KEY (recipe_id) REFERENCES recipetable (id) ON DELETE CASCADE`,
    )
  } finally {
    await sql.end()
  }
  const { stack } = ground
  const [host = '', port = ''] = stack.endpoints.mysql.split(':')
  const secretsClient = new SecretsManagerClient({
    endpoint: stack.endpoints.secretsManager,
    region: REGION,
    credentials: LOCAL_CREDENTIALS,
  })
  const direct = openDirect({
    secretsClient,
    secretArn: stack.clusters[0]?.secretArn ?? '',
    host,
    port: Number(port),
    database: String(stack.outputs.DatabaseName),
  })
  try {
    await carryOutTriggers(direct.db, await planInstall(direct.db, entities))
  } finally {
    await direct.close()
    secretsClient.destroy()
  }
}
