import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { LocalFunction } from '../../../../infra/local/lambda/function.ts'
import { openLogFile } from '../../../../infra/local/lambda/log-file.ts'
import { FunctionRegistry } from '../../../../infra/local/lambda/registry.ts'
import { variablesOf } from '../../../../infra/local/lambda/variables.ts'
import { foreignFunctions } from '../../../../infra/local/template/foreign-functions.ts'

const arnOf = (name: string): string => `arn:aws:lambda:eu-west-1:123456789012:function:${name}`
const dishes = `${arnOf('dishes')}:live`

/** A stack that may invoke functions, by the ARNs that its policy has. */
const calling = (...arns: readonly string[]) => ({
  stackName: 'S',
  template: {
    Resources: {
      Policy: {
        Type: 'AWS::IAM::Policy',
        DependsOn: [],
        Properties: {
          PolicyDocument: { Statement: [{ Action: 'lambda:InvokeFunction', Resource: arns }] },
        },
      },
    },
    ...{ Outputs: {}, Parameters: {}, Conditions: {}, Mappings: {} },
  },
  assetFolders: new Map(),
})
const own = (name: string, environment: Record<string, string> = {}) => ({
  ...{ name, arn: arnOf(name), folder: '/nowhere', handler: 'index.handler', timeoutSeconds: 3 },
  ...{ memoryMiB: 128, environment },
})

describe('functions that a stack calls and that are not its own', () => {
  let repository: string
  beforeAll(async () => {
    repository = await mkdtemp(join(tmpdir(), 'backsync-foreign-'))
    const answer = '({ heard: event.n, as: context.invokedFunctionArn, of: process.env.DATABASE_NAME })'
    await writeFile(join(repository, 'dishes.cjs'), `exports.handler = async (event, context) => ${answer}`)
    await writeFile(
      join(repository, 'typed.v2.ts'),
      `export const handler = async (event: { n: number }): Promise<unknown> => ({ heard: event.n })`,
    )
  })
  afterAll(() => rm(repository, { recursive: true }))

  const play = async ({ played }: ReturnType<typeof foreignFunctions>, arn: string): Promise<unknown> => {
    const functions = new FunctionRegistry()
    const at = 'http://127.0.0.1:9'
    const endpoints = {
      ...{ dynamodb: at, rdsData: at, secretsManager: at, sts: at },
      ...{ s3: at, lambda: at, cloudWatch: at },
    }
    for (const definition of played) {
      const log = openLogFile(join(repository, `${definition.name}.log`), () => undefined)
      functions.add(new LocalFunction(definition, variablesOf(definition, endpoints), log))
    }
    try {
      return await functions.find(arn).invoke({ n: 7 })
    } finally {
      await functions.close()
    }
  }

  it('are played by the modules that the setting names, in the environment of who calls them', async () => {
    const caller = own('legacy', {
      LEGACY_FUNCTIONS: JSON.stringify({ dish: dishes }),
      DATABASE_NAME: 'food',
    })
    const played = foreignFunctions(calling(dishes), [own('other'), caller], {
      ...{ repository, setting: 'dishes=dishes.cjs' },
    })
    const answer = await play(played, dishes)
    expect(answer).toMatchObject({ payload: expect.stringContaining('"heard":7') })
    expect(answer).toMatchObject({ payload: expect.stringContaining('"of":"food"') })
  })

  it('may be TypeScript, and several', async () => {
    const setting = ' dishes=dishes.cjs, menus=typed.v2.ts ,'
    const played = foreignFunctions(calling(dishes, arnOf('menus')), [], { repository, setting })
    expect(played.played.map(({ name }) => name)).toEqual(['dishes', 'menus'])
    expect(played.missing).toBeUndefined()
    expect(await play(played, arnOf('menus'))).toMatchObject({ payload: '{"heard":7}' })
  })

  it('are left out where there is no module of one, which is said with the line to add', () => {
    const one = foreignFunctions(calling(dishes, arnOf('menus')), [], {
      ...{ repository, setting: 'dishes=dishes.cjs' },
    })
    expect(one.played.map(({ name }) => name)).toEqual(['dishes'])
    expect(one.missing).toContain(arnOf('menus'))
    expect(one.missing).toContain('BACKSYNC_FUNCTIONS=menus=functions/legacy/menus.js')
    const none = foreignFunctions(calling(dishes), [], { repository })
    expect(none).toMatchObject({ played: [], missing: expect.stringContaining('BACKSYNC_FUNCTIONS=dishes=') })
  })

  it('are none where the stack calls only its own', () => {
    expect(foreignFunctions(calling(arnOf('legacy')), [own('legacy')], { repository, setting: '' })).toEqual({
      played: [],
      missing: undefined,
    })
  })

  it.each([
    ['dishes', 'expected name=module'],
    ['dishes=dishes.cjs,dishes=typed.v2.ts', 'names dishes twice'],
    ['dishes=nowhere.js', 'nowhere.js of dishes is not there'],
    ['dishes=dishes.cjs,menus=typed.v2.ts', 'the stack calls no function menus'],
    ['dishes=dishes.cjs,legacy=typed.v2.ts', 'legacy is a function of this stack'],
  ])('are refused by a setting that says %s', (setting, why) => {
    const start = () => foreignFunctions(calling(dishes), [own('legacy')], { repository, setting })
    expect(start).toThrow(why)
    expect(start).toThrow('BACKSYNC_FUNCTIONS')
  })
})
