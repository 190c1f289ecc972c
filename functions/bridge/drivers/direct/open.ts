import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { Kysely } from 'kysely'
import * as z from 'zod'
import { ConfigurationError } from '../../model/errors.ts'
import { Deadline } from '../../runtime/deadline.ts'
import { DirectDialect } from './dialect.ts'
import { DirectDriver } from './driver.ts'
import { DirectError, isLoginRefused } from './errors.ts'
import { SessionPool } from './pool.ts'
import { type Credentials, GivenLogin, LoginSecret } from './secret.ts'
import { Session } from './session.ts'
import { type TlsOptions, tlsFor } from './tls.ts'

/** Bounds of the direct connection; all times in milliseconds. */
export type DirectLimits = z.infer<typeof limits>

/** A timer's longest time. */
const LONGEST = 2 ** 31 - 1
const time = z.number().int().min(1).max(LONGEST)

const limits = z.object({
  /** connections open at a time */
  poolSize: z.number().int().min(1).max(100).default(4),
  /** for socket, TLS and login together */
  connectTimeout: time.default(10_000),
  /** for one statement, or one wait for a chunk of a stream; the server is then told to stop it */
  statementTimeout: time.default(300_000),
  /** for a connection while all are in use */
  acquireTimeout: time.default(30_000),
  /** after which an unused connection is closed */
  idleTimeout: time.default(60_000),
  /** for statements that still run when everything is closed, before they are stopped */
  closeTimeout: time.default(5_000),
})

export type DirectOptions = TlsOptions &
  Partial<DirectLimits> & {
    readonly secretsClient: SecretsManagerClient
    /** of a secret with username and password, and host and port unless these are given here */
    readonly secretArn: string
    readonly host?: string | undefined
    /** default: the secret's */
    readonly login?: Pick<Credentials, 'username' | 'password'> | undefined
    /** default: the secret's, else 3306 */
    readonly port?: number | undefined
    /** what the certificate names, where a tunnel leads to it; default: the host */
    readonly serverName?: string | undefined
    readonly database: string
    /** no statement outlives the invocation; default: none */
    readonly deadline?: Deadline | undefined
    /** milliseconds of any origin that never go back */
    readonly clock?: (() => number) | undefined
  }

export type Direct<DB> = {
  readonly db: Kysely<DB>
  /** Closes every connection within its bound; `db` takes no more work. Repeatable. */
  close(): Promise<void>
}

/** Below this many milliseconds no statement is started: it couldn't end before the invocation does. */
const SHORTEST = 250

/**
 * A direct connection to Aurora MySQL, for what the Data API is too small for: long scans (`stream()`), bulk
 * verification, statements that it can't prepare. Queries, values and errors are those of the Data API's dialect, so
 * that the same code runs over either; beyond it there are isolation levels, read-only transactions and savepoints.
 *
 * Connections are opened as they are needed. A login that the server refuses is read again from Secrets Manager, once
 * for all that wait, and tried again if it has changed; connections that are open outlive a rotation.
 *
 * Statements fail with DirectError, UnsupportedValueError or DeadlineError. None is repeated,
 * but for one that a change of its table kept from starting (errno 1615).
 *
 * @throws ConfigurationError for a limit out of range
 */
export const openDirect = <DB = unknown>(options: DirectOptions): Direct<DB> => {
  const parsed = limits.safeParse(options)
  if (!parsed.success)
    throw new ConfigurationError(
      parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`),
      { cause: parsed.error },
    )
  const bounds = parsed.data
  const { deadline = new Deadline(), clock = () => performance.now() } = options
  const { secretsClient: client, secretArn } = options
  const { login } = options
  const secret =
    login === undefined ? new LoginSecret({ client, secretArn, deadline, clock }) : new GivenLogin(login)
  const targetFor = targets(options, bounds, deadline)
  const pool = new SessionPool(
    { ...bounds, size: bounds.poolSize },
    () => logIn(secret, (credentials) => Session.open(targetFor(credentials))),
    clock,
  )
  const driver = new DirectDriver(pool, () => {
    deadline.require(SHORTEST, 'A statement')
    return Math.min(bounds.statementTimeout, deadline.remaining())
  })
  return { db: new Kysely<DB>({ dialect: new DirectDialect(driver) }), close: () => pool.close() }
}

/** Logs in with what is known, then once more when the secret has changed since. */
const logIn = async (
  secret: Pick<LoginSecret, 'current' | 'after'>,
  open: (credentials: Credentials) => Promise<Session>,
): Promise<Session> => {
  const known = await secret.current()
  try {
    return await open(known)
  } catch (error) {
    if (!isLoginRefused(error)) throw error
    const renewed = await secret.after(known)
    if (renewed === known) throw error
    return await open(renewed)
  }
}

/** Where each login leads; the TLS settings are made once a server, so that connections share them. */
const targets = (options: DirectOptions, bounds: DirectLimits, deadline: Deadline) => {
  const secured = new Map<string, ReturnType<typeof tlsFor>>()
  return ({ username, password, ...secret }: Credentials) => {
    const host = options.host ?? secret.host
    if (host === undefined)
      throw new DirectError('Neither the options nor the secret name the host', { fault: 'secret' })
    const serverName = options.serverName ?? host
    const asked = {
      ca: options.ca,
      tls: options.tls ?? (options.serverName === undefined ? undefined : true),
    }
    if (!secured.has(host)) secured.set(host, tlsFor(host, asked))
    return {
      host,
      port: options.port ?? secret.port ?? 3306,
      serverName,
      user: username,
      password,
      database: options.database,
      ssl: secured.get(host),
      connectTimeout: Math.min(bounds.connectTimeout, Math.max(1, deadline.remaining())),
    }
  }
}
