import * as z from 'zod'
import type { Log } from '../http/server.ts'
import type { SecretStore } from '../secrets-manager/store.ts'
import type { Clock } from './clock.ts'
import { DataApiError, type ErrorForm } from './errors.ts'
import { Pool } from './pool.ts'
import { Recent } from './recent.ts'
import type { Login, SessionSettings } from './session.ts'

/** A database cluster as the Data API names it, and the server that stands for it. */
export type Cluster = {
  readonly arn: string
  readonly host: string
  readonly port: number
  /** for calls that name no `database` */
  readonly defaultDatabase?: string
  /** whose sql_mode and time zone hold; default: a new Aurora cluster's */
  readonly settings?: SessionSettings
}

/** Which cluster, as whom, in which database: what every request carries. */
export type CallTarget = {
  readonly resourceArn: string
  readonly secretArn: string
  readonly database?: string | undefined
}

const credentials = z.object({ username: z.string().min(1), password: z.string() })

type Options = {
  readonly clusters: readonly Cluster[]
  readonly secrets: SecretStore
  readonly clock: Clock
  readonly form: ErrorForm
  readonly strict: boolean
  readonly log: Log
}

/** Finds the sessions for a request: one pool for each server, user, password and database. */
export class Clusters {
  readonly #options: Options
  readonly #pools = new Map<string, Pool>()
  /** By everything that the choice of a pool depends on, the secret's text included. */
  readonly #chosen = new Recent<string, Pool>(64)

  constructor(options: Options) {
    this.#options = options
  }

  /**
   * The secret is read at each call, so a rotated one is used at once.
   *
   * @throws NotFoundException, HttpEndpointNotEnabledException, SecretsErrorException, InvalidSecretException
   */
  pool(target: CallTarget): Pool {
    const { resourceArn, secretArn, database } = target
    const secret = this.#options.secrets.get(secretArn)?.value
    const choice = JSON.stringify([resourceArn, secretArn, database, secret])
    return this.#chosen.get(choice, () => this.#choose(target))
  }

  #choose({ resourceArn, secretArn, database }: CallTarget): Pool {
    const cluster = this.#cluster(resourceArn)
    const { username, password } = this.#credentials(secretArn)
    const name = database || cluster.defaultDatabase
    const login: Login = {
      host: cluster.host,
      port: cluster.port,
      user: username,
      password,
      ...(name ? { database: name } : {}),
      ...(cluster.settings && { settings: cluster.settings }),
    }
    const key = JSON.stringify(login)
    const pool = this.#pools.get(key) ?? this.#newPool(login)
    this.#pools.set(key, pool)
    return pool
  }

  async close(ms: number): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.close(ms)))
  }

  #newPool(login: Login): Pool {
    const { clock, form, strict, log } = this.#options
    return new Pool({ login, clock, form, rotate: strict, log })
  }

  #cluster(arn: string): Cluster {
    const { clusters } = this.#options
    const found = clusters.find((cluster) => cluster.arn === arn)
    if (found) return found
    if (clusters.some((cluster) => cluster.arn.toLowerCase() === arn.toLowerCase())) {
      throw new DataApiError('HttpEndpointNotEnabledException', `HttpEndpoint is not enabled for ${arn}`)
    }
    throw new DataApiError('NotFoundException', `The DB cluster ${arn} is not found`)
  }

  #credentials(arn: string): z.infer<typeof credentials> {
    const secret = this.#options.secrets.get(arn)
    if (!secret) {
      throw new DataApiError(
        'SecretsErrorException',
        `Error fetching secret ${arn}: Secrets Manager can't find the specified secret.`,
      )
    }
    try {
      return credentials.parse(JSON.parse(secret.value))
    } catch (cause) {
      throw new DataApiError(
        'InvalidSecretException',
        `The secret ${arn} is not valid: it must be JSON with username and password`,
        { cause },
      )
    }
  }
}
