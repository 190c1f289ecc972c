import type { FunctionRegistry } from '../lambda/registry.ts'
import type { Consent } from '../mysql/consent.ts'
import { createDatabase, type DefinedCluster, lacksDatabase, type MysqlLogin } from './resources/clusters.ts'
import { changesOf, type DefinedTrigger } from './resources/triggers.ts'

export type ExternalParts = {
  readonly server: MysqlLogin
  readonly clusters: readonly DefinedCluster[]
  readonly triggers: readonly DefinedTrigger[]
  readonly functions: FunctionRegistry
  readonly consent: Consent
}

/**
 * Has it agreed on what a start changes on somebody else's server, before its first change, and makes the databases that
 * are missing there. Where nothing would change nobody is asked.
 *
 * @throws what `consent` throws, and TriggerError when a trigger can't tell what it would change
 */
export const agreeOnChanges = async ({
  server,
  clusters,
  triggers,
  functions,
  consent,
}: ExternalParts): Promise<void> => {
  const missing: DefinedCluster[] = []
  for (const cluster of clusters) if (await lacksDatabase(cluster, server)) missing.push(cluster)
  const changes = [
    ...missing.map(({ database }) => `create the database ${database}`),
    ...(await changesOf(triggers, functions)),
  ]
  if (changes.length === 0) return
  const { host, port, user } = server
  const databases = clusters.flatMap(({ database }) => database ?? [])
  await consent({ host, port, user, databases, changes })
  for (const cluster of missing) await createDatabase(cluster, server)
}
