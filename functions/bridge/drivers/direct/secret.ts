import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import * as z from 'zod'
import type { Deadline } from '../../runtime/deadline.ts'
import { DirectError } from './errors.ts'

/** A database login as Secrets Manager keeps it; RDS adds the host and port to the secrets that it attaches. */
export type Credentials = {
  readonly username: string
  readonly password: string
  readonly host?: string | undefined
  readonly port?: number | undefined
}

const credentials = z.object({
  username: z.string().min(1),
  password: z.string(),
  host: z.string().min(1).optional(),
  port: z.coerce.number().int().min(1).max(65_535).optional(),
})

/** How long one reading of the secret may take, with the SDK's repeats, in milliseconds. */
const READ_LIMIT = 10_000
/** After a reading that brought nothing new, no further one for so many milliseconds. */
const RENEWAL_PAUSE = 1_000

export type SecretConfig = {
  readonly client: SecretsManagerClient
  readonly secretArn: string
  readonly deadline: Deadline
  /** milliseconds of any origin that never go back */
  readonly clock: () => number
}

/** A login that no secret holds: refused, it stays refused. */
export class GivenLogin {
  readonly #login: Credentials

  constructor(login: Credentials) {
    this.#login = login
  }

  async current(): Promise<Credentials> {
    return this.#login
  }

  async after(refused: Credentials): Promise<Credentials> {
    return refused
  }
}

/**
 * The login of one database, read once and then again when the server has refused it. Whoever asks while a reading is
 * under way shares it.
 */
export class LoginSecret {
  readonly #config: SecretConfig
  #known: Credentials | undefined
  #reading: Promise<Credentials> | undefined
  #fruitlessAt = Number.NEGATIVE_INFINITY

  constructor(config: SecretConfig) {
    this.#config = config
  }

  /** @throws DirectError `direct.secret` when it can't be read or is no login */
  async current(): Promise<Credentials> {
    return this.#known ?? (await this.#read())
  }

  /**
   * What the secret holds after a refusal: read anew, unless somebody else has done so since. The refused login itself
   * comes back when the secret has not changed.
   *
   * @throws DirectError `direct.secret`
   */
  async after(refused: Credentials): Promise<Credentials> {
    if (this.#known !== undefined && !isSame(this.#known, refused)) return this.#known
    if (this.#config.clock() - this.#fruitlessAt < RENEWAL_PAUSE) return refused
    const read = await this.#read()
    if (!isSame(read, refused)) return read
    this.#fruitlessAt = this.#config.clock()
    return refused
  }

  #read(): Promise<Credentials> {
    this.#reading ??= this.#fetch().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #fetch(): Promise<Credentials> {
    const { client, secretArn, deadline } = this.#config
    const text = await this.#send(client, secretArn, deadline)
    const parsed = credentials.safeParse(parseJson(text))
    // Neither the text nor the parser's own message is passed on: they hold the password.
    if (!parsed.success)
      throw new DirectError(`Secret ${secretArn} is not a login: JSON with username and password`, {
        fault: 'secret',
      })
    this.#known = parsed.data
    return parsed.data
  }

  async #send(
    client: SecretsManagerClient,
    secretArn: string,
    deadline: Deadline,
  ): Promise<string | undefined> {
    try {
      const command = new GetSecretValueCommand({ SecretId: secretArn })
      return (await client.send(command, { abortSignal: deadline.signal(READ_LIMIT) })).SecretString
    } catch (cause) {
      const name = cause instanceof Error ? cause.name : 'Unknown'
      throw new DirectError(`Secret ${secretArn} can't be read: ${name}`, {
        fault: 'secret',
        kind: LASTING.has(name) ? 'configuration' : 'transient',
        cause,
      })
    }
  }
}

/** What Secrets Manager answers until somebody repairs the set-up; all else may pass. */
const LASTING = new Set([
  'AccessDeniedException',
  'DecryptionFailure',
  'InvalidParameterException',
  'InvalidRequestException',
  'ResourceNotFoundException',
  'ValidationException',
])

const isSame = (one: Credentials, other: Credentials): boolean =>
  one.username === other.username && one.password === other.password

const parseJson = (text: string | undefined): unknown => {
  try {
    return JSON.parse(text ?? '')
  } catch {
    // The schema refuses it next; the parser's error would quote the secret.
    return undefined
  }
}
