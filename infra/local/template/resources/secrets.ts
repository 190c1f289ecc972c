import { randomInt } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { codeOf } from '../../../errors/thrown.ts'
import { boolean, number, readProperties } from '../properties.ts'
import type { TemplateScope } from '../scope.ts'

const schema = z.object({
  Name: z.string().optional(),
  SecretString: z.string().optional(),
  GenerateSecretString: z
    .object({
      SecretStringTemplate: z.string().optional(),
      GenerateStringKey: z.string().optional(),
      PasswordLength: number.default(32),
      ExcludeCharacters: z.string().default(''),
      ExcludeLowercase: boolean.default(false),
      ExcludeUppercase: boolean.default(false),
      ExcludeNumbers: boolean.default(false),
      ExcludePunctuation: boolean.default(false),
      IncludeSpace: boolean.default(false),
      RequireEachIncludedType: boolean.default(true),
    })
    .optional(),
})

type Generate = NonNullable<z.infer<typeof schema>['GenerateSecretString']>

/** A secret of the template with its value. */
export type DefinedSecret = {
  readonly logicalId: string
  readonly arn: string
  readonly name: string
  readonly value: string
}

/**
 * The secrets of the stack. Generated ones are kept in the home folder, readable by its owner only, so that the next
 * start has the same.
 */
export const secretsOf = (scope: TemplateScope, folder: string): Promise<DefinedSecret[]> =>
  Promise.all(
    scope.resources('AWS::SecretsManager::Secret').map(async ([logicalId]) => {
      const properties = readProperties(scope, logicalId, schema)
      const generate = properties.GenerateSecretString
      const value = generate
        ? await keptOr(join(folder, `${logicalId}.json`), () => generateSecret(generate))
        : (properties.SecretString ?? '')
      const arn = String(scope.ref(logicalId, `Resources.${logicalId}`))
      return { logicalId, arn, name: properties.Name ?? logicalId, value }
    }),
  )

const keptOr = async (file: string, make: () => string): Promise<string> => {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
  const value = make()
  await mkdir(join(file, '..'), { recursive: true, mode: 0o700 })
  await writeFile(`${file}.new`, value, { mode: 0o600 })
  await rename(`${file}.new`, file)
  return value
}

/** @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-secretsmanager-secret-generatesecretstring.html */
const generateSecret = (settings: Generate): string => {
  const allowed = (characters: string): string =>
    [...characters].filter((c) => !settings.ExcludeCharacters.includes(c)).join('')
  const types = [
    settings.ExcludeLowercase ? '' : allowed('abcdefghijklmnopqrstuvwxyz'),
    settings.ExcludeUppercase ? '' : allowed('ABCDEFGHIJKLMNOPQRSTUVWXYZ'),
    settings.ExcludeNumbers ? '' : allowed('0123456789'),
    settings.ExcludePunctuation ? '' : allowed('!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~'),
    settings.IncludeSpace ? allowed(' ') : '',
  ].filter((type) => type.length > 0)
  const all = types.join('')
  const pick = (from: string): string => from.charAt(randomInt(from.length))
  const characters = settings.RequireEachIncludedType ? types.map(pick) : []
  while (characters.length < settings.PasswordLength) characters.push(pick(all))
  for (let i = characters.length - 1; i > 0; i--) {
    const j = randomInt(i + 1)
    const [a = '', b = ''] = [characters[i], characters[j]]
    characters[i] = b
    characters[j] = a
  }
  const password = characters.join('')
  const { SecretStringTemplate: template, GenerateStringKey: key } = settings
  return template !== undefined && key !== undefined
    ? JSON.stringify({ ...z.record(z.string(), z.unknown()).parse(JSON.parse(template)), [key]: password })
    : password
}
