import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import mysql, { type Connection } from 'mysql2/promise'
import {
  type Direct,
  type DirectOptions,
  openDirect,
} from '../../../../../functions/bridge/drivers/direct/open.ts'
import { startSecretsManager } from '../../../../../infra/local/secrets-manager/server.ts'
import { SecretStore } from '../../../../../infra/local/secrets-manager/store.ts'
import { processes } from '../../../../support/processes.ts'

const url = new URL(process.env.TEST_MYSQL_URL ?? 'mysql://missing-TEST_MYSQL_URL')

/** The server under test. */
export const server = { host: url.hostname, port: Number(url.port || 3306) }

export const secretArn = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:direct-abcdef'

type Opened = { close(): Promise<void> }

/** A database and a user of their own, whose login a local Secrets Manager holds. */
export class Harness {
  readonly root: Connection
  readonly database: string
  readonly user: string
  readonly secrets: SecretStore
  readonly #opened: Opened[] = []
  readonly secretsClient: SecretsManagerClient
  password = 'first'
  /** how often the secret was read */
  reads = 0

  private constructor(root: Connection, name: string, endpoint: string, secrets: SecretStore) {
    this.root = root
    this.secrets = secrets
    this.database = name
    this.user = name
    this.secretsClient = new SecretsManagerClient({
      endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
      maxAttempts: 1,
    })
    this.secretsClient.middlewareStack.add(
      (next) => (input) => {
        this.reads += 1
        return next(input)
      },
      { step: 'initialize', name: 'count' },
    )
  }

  static async start(): Promise<Harness> {
    const root = await mysql.createConnection({
      ...server,
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
    })
    const name = `direct_${randomBytes(6).toString('hex')}`
    await root.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`)
    await root.query(`CREATE USER ${name}@'%' IDENTIFIED BY 'first'`)
    await root.query(`GRANT ALL ON ${name}.* TO ${name}@'%'`)
    const secrets = new SecretStore()
    const endpoint = await startSecretsManager({ store: secrets })
    const harness = new Harness(root, name, endpoint.endpoint, secrets)
    harness.#opened.push(endpoint)
    harness.putSecret({})
    return harness
  }

  putSecret(value: Readonly<Record<string, unknown>> | string): void {
    const login = { username: this.user, password: this.password, ...server }
    const text = typeof value === 'string' ? value : JSON.stringify({ ...login, ...value })
    this.secrets.put({ arn: secretArn, name: 'direct', value: text })
  }

  /** Changes the user's password, and the secret too unless told otherwise. */
  async rotate(password: string, { secret = true } = {}): Promise<void> {
    await this.root.query(`ALTER USER ${this.user}@'%' IDENTIFIED BY '${password}'`)
    this.password = password
    if (secret) this.putSecret({})
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests select from tables that they make up.
  open(options: Partial<DirectOptions> = {}): Direct<any> {
    // biome-ignore lint/suspicious/noExplicitAny: as above
    const direct = openDirect<any>({
      secretsClient: this.secretsClient,
      secretArn,
      database: this.database,
      ...options,
    })
    this.#opened.push(direct)
    return direct
  }

  /** The ids of the user's connections, as the server sees them. */
  async connections(): Promise<number[]> {
    const own = (await processes(this.root)).filter(({ user }) => user === this.user)
    return own.map(({ id }) => id).toSorted((one, other) => one - other)
  }

  /** Whether at least so many of the user's connections run a statement with this text. */
  async runs(text: string, times = 1): Promise<boolean> {
    const own = (await processes(this.root)).filter(
      ({ user, statement }) => user === this.user && statement.toLowerCase().includes(text.toLowerCase()),
    )
    return own.length >= times
  }

  /** Closes what was opened by the last test. */
  async settle(): Promise<void> {
    for (const opened of this.#opened.splice(1)) await opened.close()
  }

  async close(): Promise<void> {
    await this.settle()
    await this.#opened[0]?.close()
    this.secretsClient.destroy()
    await this.root.query(`DROP DATABASE ${this.database}`)
    await this.root.query(`DROP USER ${this.user}@'%'`)
    await this.root.end()
  }

  /** Something between the client and the server. */
  async proxy(tamper: (fromClient: Buffer) => Buffer | undefined = (bytes) => bytes): Promise<ProxyServer> {
    const proxy = await ProxyServer.start(tamper)
    this.#opened.push(proxy)
    return proxy
  }
}

/** Passes bytes between clients and the server under test, changed or swallowed on their way. */
export class ProxyServer {
  port = 0
  /** how many connections were made through it */
  accepted = 0
  #silent = false
  readonly #sockets = new Set<Socket>()
  #close: () => Promise<void> = async () => {}

  static async start(tamper: (fromClient: Buffer) => Buffer | undefined): Promise<ProxyServer> {
    const proxy = new ProxyServer()
    const listener = createServer((client) => {
      proxy.accepted += 1
      const upstream = connect(server)
      for (const [from, to, change] of [
        [client, upstream, tamper],
        [upstream, client, (bytes: Buffer) => bytes],
      ] as const) {
        proxy.#sockets.add(from)
        from.on('data', (bytes) => {
          const changed = proxy.#silent ? undefined : change(bytes)
          if (changed) to.write(changed)
        })
        from.on('error', () => to.destroy())
        from.on('close', () => to.destroy())
      }
    })
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const address = listener.address()
    proxy.port = typeof address === 'object' && address ? address.port : 0
    proxy.#close = async () => {
      proxy.cut()
      listener.close()
      await once(listener, 'close')
    }
    return proxy
  }

  /** From now on nothing passes, and nothing is closed: a network that is gone. */
  fallSilent(): void {
    this.#silent = true
  }

  /** Breaks every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#sockets.clear()
  }

  close(): Promise<void> {
    return this.#close()
  }
}

/** Waits for a condition, at most ten seconds. */
export const until = async (what: string, condition: () => Promise<boolean> | boolean): Promise<void> => {
  const end = performance.now() + 10_000
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Not within ten seconds: ${what}`)
    await wait(20)
  }
}

/** The error that a promise fails with. */
export const failure = async (promise: Promise<unknown>): Promise<unknown> =>
  await promise.then(
    () => {
      throw new Error('It did not fail')
    },
    (error: unknown) => error,
  )
