import { createConnection, type RowDataPacket } from 'mysql2/promise'
import * as z from 'zod'
import { TemplateError } from '../errors.ts'
import { readProperties } from '../properties.ts'
import type { TemplateScope } from '../scope.ts'

const schema = z.object({
  DatabaseName: z.string().optional(),
  MasterUsername: z.string().optional(),
  MasterUserPassword: z.string().optional(),
})
const attachmentSchema = z.object({ SecretId: z.string(), TargetId: z.string() })

/** A cluster of the template. Every cluster is the one local MySQL server here, told apart by its database. */
export type DefinedCluster = {
  readonly logicalId: string
  readonly arn: string
  readonly identifier: string
  readonly database?: string
  readonly user?: string
  readonly password?: string
  /** ARN of the secret that a SecretTargetAttachment ties to it. */
  readonly secretArn?: string
}

/** The clusters of the stack. Their secrets must be readable before: user and password are references to them. */
export const clustersOf = (scope: TemplateScope): DefinedCluster[] => {
  const attachments = scope
    .resources('AWS::SecretsManager::SecretTargetAttachment')
    .map(([id]) => readProperties(scope, id, attachmentSchema))
  return scope.resources('AWS::RDS::DBCluster').map(([logicalId]) => {
    const path = `Resources.${logicalId}`
    const properties = readProperties(scope, logicalId, schema)
    const identifier = String(scope.ref(logicalId, path))
    const secretArn = attachments.find(({ TargetId }) => TargetId === identifier)?.SecretId
    return {
      logicalId,
      identifier,
      arn: String(scope.getAtt(logicalId, 'DBClusterArn', path)),
      ...(properties.DatabaseName !== undefined && { database: properties.DatabaseName }),
      ...(properties.MasterUsername !== undefined && { user: properties.MasterUsername }),
      ...(properties.MasterUserPassword !== undefined && { password: properties.MasterUserPassword }),
      ...(secretArn !== undefined && { secretArn }),
    }
  })
}

/** A login of the local server that may create databases and users. */
export type MysqlLogin = {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  /** Somebody else's server: its users are left alone. */
  readonly external: boolean
}

/** Nothing that this module asks of the server takes longer, in milliseconds. */
const TIMEOUT = 30_000

/**
 * What Aurora's master user may do, on every database of its cluster, as far as both servers know it. It is no superuser:
 * no SUPER, FILE, SHUTDOWN, no tablespaces.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraMySQL.Compare-80-v3.html
 */
const MASTER_RIGHTS = [
  'SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES',
  'CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW',
  'CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER',
].join(', ')

/**
 * Makes a cluster's database, and its master user with the rights that Aurora gives one. On somebody else's server it makes
 * nothing: `createDatabase` does, once that is agreed on.
 *
 * @returns the login that the cluster's secret must carry
 */
export const startCluster = async (
  cluster: DefinedCluster,
  server: MysqlLogin,
): Promise<{ user: string; password: string }> => {
  const { user, password } = server
  if (server.external) return { user, password }
  await createDatabase(cluster, server)
  if (cluster.user === undefined || cluster.password === undefined || cluster.user === user)
    return { user, password }
  const { user: master, password: secret } = cluster
  await withConnection(server, async (run) => {
    // `localhost` as well as `%`: an anonymous local user, which some installations have, would win over `%` alone.
    for (const from of ['%', 'localhost']) {
      await run('CREATE USER IF NOT EXISTS ?@?', [master, from])
      await run('ALTER USER ?@? IDENTIFIED BY ?', [master, from, secret])
      await run(`GRANT ${MASTER_RIGHTS} ON *.* TO ?@? WITH GRANT OPTION`, [master, from])
    }
  })
  return { user: master, password: secret }
}

/** Whether the server lacks a cluster's database. */
export const lacksDatabase = (cluster: DefinedCluster, server: MysqlLogin): Promise<boolean> =>
  withConnection(server, async (run) => {
    const { database } = cluster
    if (database === undefined) return false
    if (/[`\\\0]/.test(database)) {
      const path = `Resources.${cluster.logicalId}.Properties.DatabaseName`
      throw new TemplateError('template.malformed-property', path, 'not a name for a database')
    }
    const found = await run('SELECT 1 FROM information_schema.schemata WHERE schema_name = ?', [database])
    return found.length === 0
  })

/** Makes a cluster's database where there is none. */
export const createDatabase = async (cluster: DefinedCluster, server: MysqlLogin): Promise<void> => {
  // Asked first: on an external server the user may hold the database without the right to create one.
  if (await lacksDatabase(cluster, server))
    await withConnection(server, (run) =>
      run(`CREATE DATABASE IF NOT EXISTS \`${cluster.database}\` CHARACTER SET utf8mb4`),
    )
}

type Run = (sql: string, values?: string[]) => Promise<RowDataPacket[]>

const withConnection = async <T>(
  { host, port, user, password }: MysqlLogin,
  work: (run: Run) => Promise<T>,
): Promise<T> => {
  const connection = await createConnection({ host, port, user, password, connectTimeout: 5_000 })
  try {
    return await work(async (sql, values = []) => {
      const [rows] = await connection.query<RowDataPacket[]>({ sql, values, timeout: TIMEOUT })
      return rows
    })
  } finally {
    await connection.end()
  }
}
