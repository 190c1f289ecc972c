import { randomUUID } from 'node:crypto'
import * as z from 'zod'
import { readBody } from '../http/body.ts'
import { type LocalServer, type Log, listen } from '../http/server.ts'
import type { SecretStore, SecretVersion } from './store.ts'

/** The largest request of Secrets Manager is a secret of 64 KiB; ours only read. */
const REQUEST_LIMIT = 256 * 1024

class SecretsError extends Error {
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

const secretId = z.object({
  SecretId: z.string(),
  VersionId: z.string().nullish(),
  VersionStage: z.string().nullish(),
})
const page = z.object({ MaxResults: z.int().min(1).max(100).nullish(), NextToken: z.string().nullish() })

const parse = <T>(schema: z.ZodType<T>, body: unknown): T => {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const at = parsed.error.issues[0]?.path.join('.') ?? ''
  throw new SecretsError('ValidationException', `1 validation error detected: invalid value at '${at}'`, {
    cause: parsed.error,
  })
}

const find = (store: SecretStore, body: unknown): SecretVersion => {
  const { SecretId, VersionId, VersionStage } = parse(secretId, body)
  const found = store.version(SecretId)
  if (!found)
    throw new SecretsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.")
  if ((VersionStage ?? 'AWSCURRENT') !== 'AWSCURRENT' || (VersionId ?? found.versionId) !== found.versionId) {
    throw new SecretsError(
      'ResourceNotFoundException',
      `Secrets Manager can't find the specified secret value for VersionId: ${VersionId ?? ''} and staging label: ${VersionStage ?? 'AWSCURRENT'}`,
    )
  }
  return found
}

const seconds = (date: Date): number => date.getTime() / 1000

const describe = ({ secret, versionId, createdAt }: SecretVersion) => ({
  ARN: secret.arn,
  Name: secret.name,
  CreatedDate: seconds(createdAt),
  LastChangedDate: seconds(createdAt),
  RotationEnabled: false,
  VersionIdsToStages: { [versionId]: ['AWSCURRENT'] },
})

/** What each operation answers; a new operation is one more entry. */
const operations: Record<string, (store: SecretStore, body: unknown) => object> = {
  GetSecretValue: (store, body) => {
    const { secret, versionId, createdAt } = find(store, body)
    return {
      ARN: secret.arn,
      Name: secret.name,
      SecretString: secret.value,
      VersionId: versionId,
      VersionStages: ['AWSCURRENT'],
      CreatedDate: seconds(createdAt),
    }
  },
  DescribeSecret: (store, body) => describe(find(store, body)),
  ListSecrets: (store, body) => {
    const { MaxResults, NextToken } = parse(page, body)
    const start = Number(NextToken ?? 0)
    if (!Number.isSafeInteger(start) || start < 0) {
      throw new SecretsError('InvalidNextTokenException', 'The NextToken value is invalid.')
    }
    const all = store.versions()
    const end = start + (MaxResults ?? 100)
    const SecretList = all
      .slice(start, end)
      .map(describe)
      .map(({ VersionIdsToStages, ...entry }) => ({
        ...entry,
        SecretVersionsToStages: VersionIdsToStages,
      }))
    return end < all.length ? { SecretList, NextToken: String(end) } : { SecretList }
  },
}

const operationOf = (target: unknown) => {
  const name = typeof target === 'string' ? target.replace(/^secretsmanager\./, '') : ''
  const operation = Object.hasOwn(operations, name) ? operations[name] : undefined
  if (operation) return operation
  throw new SecretsError(
    'UnknownOperationException',
    `The local Secrets Manager does not know the operation '${name}'.`,
  )
}

/**
 * Starts an endpoint that the AWS SDK takes for Secrets Manager: `GetSecretValue`, `DescribeSecret` and
 * `ListSecrets` over JSON 1.1, read-only, any signature accepted.
 *
 * @param store read at each call, so that a `put` is a rotation
 */
export const startSecretsManager = ({
  store,
  port,
  host,
  log,
}: {
  store: SecretStore
  port?: number
  host?: string
  log?: Log
}): Promise<LocalServer> =>
  listen({
    port,
    host,
    log,
    handler: async (request, response) => {
      const answer = (status: number, body: object, headers: Record<string, string> = {}): void => {
        response.writeHead(status, {
          'content-type': 'application/x-amz-json-1.1',
          'x-amzn-RequestId': randomUUID(),
          ...headers,
        })
        response.end(JSON.stringify(body))
      }
      try {
        const bytes = await readBody(request, REQUEST_LIMIT)
        if (!bytes) throw new SecretsError('ValidationException', 'Request size exceeds the limit')
        const operation = operationOf(request.headers['x-amz-target'])
        answer(200, operation(store, bytes.length === 0 ? {} : parseJson(bytes)))
      } catch (error) {
        if (!(error instanceof SecretsError)) throw error
        answer(400, { __type: error.code, message: error.message }, { 'x-amzn-ErrorType': error.code })
      }
    },
  })

const parseJson = (bytes: Buffer): unknown => {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw new SecretsError('SerializationException', 'The request body is not JSON.', { cause })
  }
}
