import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { AssumeRoleCommand, type Credentials, STSClient, STSServiceException } from '@aws-sdk/client-sts'
import { openDynamo } from '../drivers/dynamo/client.ts'
import { BridgeError, type ErrorKind } from '../model/errors.ts'

/** Where a table is, when that isn't the account or the region of whoever asks. */
export type Account = { readonly roleArn?: string | undefined; readonly region?: string | undefined }

/** A role that can't be assumed. */
export class RoleError extends BridgeError {
  override readonly name = 'RoleError'
  readonly code = 'role.not-assumed'
  readonly kind: ErrorKind

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    // What STS itself refuses stays refused; anything else may pass.
    const refused =
      options?.cause === undefined ||
      (options.cause instanceof STSServiceException && options.cause.$fault === 'client')
    this.kind = refused ? 'configuration' : 'transient'
  }
}

/** The longest AssumeRole may take, in milliseconds. */
const CALL_LIMIT = 10_000
/** Seconds; the most that a role has when it is assumed by another role. */
const SESSION = 3600
/** How the other account's trail names the session. */
const SESSION_NAME = 'backsync'

/**
 * A DynamoDB client of another account or region. The role's credentials are taken when they are first needed; the SDK
 * keeps them, and asks for new ones some minutes before they expire.
 *
 * @returns a client whose calls throw RoleError when the role can't be assumed
 */
export const openAccount = ({ roleArn, region }: Account): DynamoDBClient => {
  const where = region === undefined ? {} : { region }
  return openDynamo({
    ...where,
    ...(roleArn !== undefined && { credentials: () => assume(roleArn, where) }),
  })
}

const NO_CREDENTIALS: Partial<Credentials> = {}

const assume = async (roleArn: string, where: { readonly region?: string }) => {
  const sts = new STSClient({ requestHandler: { connectionTimeout: 3_000 }, ...where })
  try {
    const { Credentials } = await sts.send(
      new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: SESSION_NAME, DurationSeconds: SESSION }),
      { abortSignal: AbortSignal.timeout(CALL_LIMIT) },
    )
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = Credentials ?? NO_CREDENTIALS
    if (AccessKeyId === undefined || SecretAccessKey === undefined || SessionToken === undefined)
      throw new RoleError(`STS gave no credentials for ${roleArn}`)
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
      ...(Expiration !== undefined && { expiration: Expiration }),
    }
  } catch (cause) {
    if (cause instanceof RoleError) throw cause
    throw new RoleError(`${roleArn} could not be assumed`, { cause })
  } finally {
    sts.destroy()
  }
}
