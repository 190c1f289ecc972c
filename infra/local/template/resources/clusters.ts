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

/**
 * Makes a cluster's database, and its master user with rights on that database only.
 *
 * @returns the login that the cluster's secret must carry
 */
export const startCluster = async (
  cluster: DefinedCluster,
  server: MysqlLogin,
): Promise<{ user: string; password: string }> => {
  const { host, port, user, password } = server
  const connection = await createConnection({ host, port, user, password, connectTimeout: 5_000 })
  try {
    const run = (sql: string, values: string[] = []) => connection.query({ sql, values, timeout: 30_000 })
    const { database } = cluster
    if (database !== undefined) {
      if (/[`\\\0]/.test(database)) {
        const path = `Resources.${cluster.logicalId}.Properties.DatabaseName`
        throw new TemplateError('template.malformed-property', path, 'not a name for a database')
      }
      // Asked first: on an external server the user may hold the database without the right to create one.
      const [found] = await connection.query<RowDataPacket[]>({
        sql: 'SELECT 1 FROM information_schema.schemata WHERE schema_name = ?',
        values: [database],
        timeout: 30_000,
      })
      if (found.length === 0) await run(`CREATE DATABASE IF NOT EXISTS \`${database}\` CHARACTER SET utf8mb4`)
    }
    if (server.external || cluster.user === undefined || cluster.password === undefined)
      return { user, password }
    if (cluster.user === user) return { user, password }
    // `localhost` as well as `%`: an anonymous local user, which some installations have, would win over `%` alone.
    for (const from of ['%', 'localhost']) {
      await run(`CREATE USER IF NOT EXISTS ?@?`, [cluster.user, from])
      await run(`ALTER USER ?@? IDENTIFIED BY ?`, [cluster.user, from, cluster.password])
      if (database !== undefined) {
        // In a GRANT, `_` and `%` are wildcards.
        await run(`GRANT ALL PRIVILEGES ON \`${database.replace(/[_%]/g, '\\$&')}\`.* TO ?@?`, [
          cluster.user,
          from,
        ])
      }
    }
    return { user: cluster.user, password: cluster.password }
  } finally {
    await connection.end()
  }
}
