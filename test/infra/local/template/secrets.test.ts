import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { secretsOf } from '../../../../infra/local/template/resources/secrets.ts'
import { TemplateScope } from '../../../../infra/local/template/scope.ts'

const scopeOf = (Properties: Record<string, unknown>): TemplateScope =>
  new TemplateScope(
    {
      stackName: 'S',
      assetFolders: new Map(),
      template: {
        Parameters: {},
        Mappings: {},
        Conditions: {},
        Outputs: {},
        Resources: { Secret: { Type: 'AWS::SecretsManager::Secret', Properties, DependsOn: [] } },
      },
    },
    () => undefined,
  )

describe('secretsOf', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'backsync-secrets-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))
  const generated = async (properties: Record<string, unknown>): Promise<string> =>
    (await secretsOf(scopeOf(properties), folder))[0]?.value ?? ''

  it('generates a password as the template asks, and keeps it for its owner only', async () => {
    const properties = {
      GenerateSecretString: {
        ExcludeCharacters: 'abc"\\',
        GenerateStringKey: 'password',
        PasswordLength: 30,
        SecretStringTemplate: '{"username":"admin"}',
      },
    }

    const first = JSON.parse(await generated(properties))
    const second = JSON.parse(await generated(properties))

    expect(first).toEqual({ username: 'admin', password: expect.stringMatching(/^[^abc"\\]{30}$/) })
    for (const type of [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z\d]/]) expect(first.password).toMatch(type)
    expect(second).toEqual(first)
    expect((await stat(join(folder, 'Secret.json'))).mode & 0o777).toBe(0o600)
  })

  it('generates only what is left of the types', async () => {
    const GenerateSecretString = {
      ExcludeLowercase: true,
      ExcludeUppercase: 'true',
      ExcludePunctuation: true,
    }
    expect(await generated({ GenerateSecretString })).toMatch(/^\d{32}$/)
  })

  it('takes a given text', async () => {
    expect(await generated({ SecretString: 'x' })).toBe('x')
  })
})
