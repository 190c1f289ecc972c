import * as z from 'zod'

const text = z.string().min(1)
const claims = z.object({ iss: text.optional(), sub: text })

/** What the authorizers of both gateways say of a caller; each part alone, so that one of another shape hides none. */
const part = <T>(schema: z.ZodType<T>) => schema.optional().catch(undefined)
const context = z.object({
  authorizer: part(
    z.object({
      /** HTTP API: a JWT authorizer, IAM. */
      jwt: part(z.object({ claims })),
      iam: part(
        z.object({
          userArn: part(text),
          cognitoIdentity: part(z.object({ identityId: part(text) })),
        }),
      ),
      /** REST API: a Cognito authorizer, a function's. */
      claims: part(claims),
      principalId: part(text),
    }),
  ),
  /** REST API: IAM. */
  identity: part(z.object({ userArn: part(text), cognitoIdentityId: part(text) })),
})

/**
 * Who calls, as the gateway's authorizer found out.
 *
 * @param requestContext of an HTTP API or REST API event
 * @returns undefined when there is no authorizer, or none that names the caller
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export const principalOf = (requestContext: unknown): string | undefined => {
  const parsed = context.safeParse(requestContext)
  if (!parsed.success) return undefined
  const { authorizer = {}, identity = {} } = parsed.data
  const { jwt, iam, claims: cognito, principalId } = authorizer
  const subject = jwt?.claims ?? cognito
  if (subject !== undefined) return `jwt:${subject.iss ?? ''} ${subject.sub}`
  // Everybody in an identity pool has the same role.
  const identityId = iam?.cognitoIdentity?.identityId ?? identity.cognitoIdentityId
  if (identityId !== undefined) return `identity:${identityId}`
  const userArn = iam?.userArn ?? identity.userArn
  if (userArn !== undefined) return `iam:${withoutSession(userArn)}`
  return principalId === undefined ? undefined : `principal:${principalId}`
}

/** What the authorizer of a gateway's event has said, as it has said it; undefined where there is none. */
export const authorizerOf = (event: unknown): unknown =>
  z.object({ requestContext: z.object({ authorizer: z.unknown() }) }).safeParse(event).data?.requestContext
    .authorizer

/** A role's session has a new name whenever it is assumed again; a client that repeats a request is still the same. */
const withoutSession = (arn: string): string => arn.replace(/(:assumed-role\/[^/]+)\/.*$/, '$1')
