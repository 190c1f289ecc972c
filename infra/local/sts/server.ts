import { randomBytes, randomUUID } from 'node:crypto'
import * as z from 'zod'
import { readBody } from '../http/body.ts'
import { type LocalServer, type Log, listen } from '../http/server.ts'
import { xml } from '../http/xml.ts'
import { LOCAL_CREDENTIALS } from '../lambda/variables.ts'

/** A request of STS is a form of a few fields and, at the most, a policy of 2,048 characters. */
const REQUEST_LIMIT = 64 * 1024

/** The namespace of what STS answers. */
const STS = 'https://sts.amazonaws.com/doc/2011-06-15/'

class StsError extends Error {
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
const assumeRole = z.object({
  RoleArn: z.string().regex(/^arn:[\w-]+:iam::\d{12}:role\/[\w+=,.@/-]+$/),
  RoleSessionName: z.string().regex(/^[\w+=,.@-]{2,64}$/),
  DurationSeconds: z.coerce.number().int().min(900).max(43_200).default(3_600),
})

/**
 * Starts an endpoint that the AWS SDK takes for STS: `AssumeRole`, for any role and any signature. There is one account
 * here, with one set of tables: what it answers are the credentials that everything has.
 *
 * @param now milliseconds since 1970. @default Date.now
 */
export const startSts = ({
  port,
  log,
  now = Date.now,
}: {
  readonly port?: number
  readonly log?: Log
  readonly now?: () => number
} = {}): Promise<LocalServer> =>
  listen({
    ...(port !== undefined && { port }),
    ...(log && { log }),
    handler: async (request, response) => {
      const requestId = randomUUID()
      const answer = (status: number, body: string): void => {
        response.writeHead(status, { 'content-type': 'text/xml', 'x-amzn-requestid': requestId })
        response.end(body)
      }
      try {
        const bytes = await readBody(request, REQUEST_LIMIT)
        if (!bytes) throw new StsError('ValidationError', 'Request size exceeds the limit')
        answer(200, assumedRole(new URLSearchParams(bytes.toString('utf8')), now(), requestId))
      } catch (error) {
        if (!(error instanceof StsError)) throw error
        answer(400, refusal(error, requestId))
      }
    },
  })

const assumedRole = (form: URLSearchParams, now: number, requestId: string): string => {
  const action = form.get('Action') ?? ''
  if (action !== 'AssumeRole')
    throw new StsError('InvalidAction', `The local STS does not know the action '${action}'.`)
  const parsed = assumeRole.safeParse(Object.fromEntries(form))
  if (!parsed.success) {
    const at = parsed.error.issues[0]?.path.join('.') ?? ''
    const message = `1 validation error detected: invalid value at '${at}'`
    throw new StsError('ValidationError', message, { cause: parsed.error })
  }
  const { RoleArn, RoleSessionName, DurationSeconds } = parsed.data
  const session = RoleArn.replace(
    /^(arn:[\w-]+):iam::(\d+):role\/(?:.*\/)?([^/]+)$/,
    '$1:sts::$2:assumed-role/$3',
  )
  const { accessKeyId, secretAccessKey } = LOCAL_CREDENTIALS
  const answer = {
    AssumeRoleResult: {
      Credentials: {
        AccessKeyId: accessKeyId,
        SecretAccessKey: secretAccessKey,
        SessionToken: randomBytes(48).toString('base64'),
        Expiration: new Date(now + DurationSeconds * 1_000).toISOString(),
      },
      AssumedRoleUser: {
        AssumedRoleId: `AROALOCAL:${RoleSessionName}`,
        Arn: `${session}/${RoleSessionName}`,
      },
    },
    ResponseMetadata: { RequestId: requestId },
  }
  return xml('AssumeRoleResponse', answer, STS)
}

const refusal = ({ code, message }: StsError, requestId: string): string =>
  xml('ErrorResponse', { Error: { Type: 'Sender', Code: code, Message: message }, RequestId: requestId }, STS)
