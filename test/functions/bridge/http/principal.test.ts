import { describe, expect, it } from '@jest/globals'
import { principalOf } from '../../../../functions/bridge/http/principal.ts'

const ROLE = 'arn:aws:sts::123456789012:assumed-role/Client'
const USER = 'arn:aws:iam::123456789012:user/ann'

describe('the caller', () => {
  it.each<[string, unknown, string | undefined]>([
    ['no authorizer', { stage: '$default' }, undefined],
    ['a JWT', { authorizer: { jwt: { claims: { iss: 'https://i', sub: 'ann' } } } }, 'jwt:https://i ann'],
    ['a JWT without an issuer', { authorizer: { jwt: { claims: { sub: 'ann' } } } }, 'jwt: ann'],
    ['a JWT of a machine, without a subject', { authorizer: { jwt: { claims: { scope: 'x' } } } }, undefined],
    ['IAM, a user', { authorizer: { iam: { userArn: USER } } }, `iam:${USER}`],
    ["IAM, a role's session", { authorizer: { iam: { userArn: `${ROLE}/one` } } }, `iam:${ROLE}`],
    [
      'IAM, an identity pool',
      {
        authorizer: {
          iam: { userArn: `${ROLE}/CognitoIdentityCredentials`, cognitoIdentity: { identityId: 'i1' } },
        },
      },
      'identity:i1',
    ],
    [
      'IAM as HTTP APIs send it, with nulls',
      { authorizer: { iam: { userArn: USER, cognitoIdentity: null, principalOrgId: null } } },
      `iam:${USER}`,
    ],
    ['REST API, Cognito', { authorizer: { claims: { iss: 'https://i', sub: 'ann' } } }, 'jwt:https://i ann'],
    ['REST API, a function', { authorizer: { principalId: 'ann' } }, 'principal:ann'],
    ['REST API, IAM', { identity: { userArn: `${ROLE}/one`, cognitoIdentityId: null } }, `iam:${ROLE}`],
    ['REST API, nobody', { identity: { userArn: null, sourceIp: '203.0.113.7' } }, undefined],
    ['an empty name', { authorizer: { principalId: '' } }, undefined],
    ['something else', 'nobody', undefined],
    ['nothing', undefined, undefined],
  ])('by %s', (_, context, principal) => {
    expect(principalOf(context)).toBe(principal)
  })
})
