import { createHash } from 'node:crypto'

/** A secret as the local runtime knows it. */
export type Secret = {
  readonly arn: string
  readonly name: string
  /** the secret's text; for a database login, JSON with at least `username` and `password` */
  readonly value: string
}

/** A stored secret with what AWS would record beside it. */
export type SecretVersion = {
  readonly secret: Secret
  /** a UUID that changes when the value does */
  readonly versionId: string
  readonly createdAt: Date
}

const uuidOf = (text: string): string => {
  const hex = createHash('sha256').update(text).digest('hex')
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `a${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-')
}

/** The secrets of one local runtime, in memory. Found by ARN or by name, as Secrets Manager's `SecretId` is. */
export class SecretStore {
  readonly #byArn = new Map<string, SecretVersion>()

  /** Adds a secret, or rotates the one with the same ARN. */
  put(secret: Secret): void {
    this.#byArn.set(secret.arn, {
      secret,
      versionId: uuidOf(`${secret.arn}\n${secret.value}`),
      createdAt: new Date(),
    })
  }

  get(idOrArn: string): Secret | undefined {
    return this.version(idOrArn)?.secret
  }

  list(): Secret[] {
    return this.versions().map(({ secret }) => secret)
  }

  version(idOrArn: string): SecretVersion | undefined {
    return this.#byArn.get(idOrArn) ?? this.versions().find(({ secret }) => secret.name === idOrArn)
  }

  versions(): SecretVersion[] {
    return [...this.#byArn.values()]
  }
}
