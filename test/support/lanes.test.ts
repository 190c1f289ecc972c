import { globSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { makeFolder, type TemporaryFolder } from './folder.ts'
import { readLanes, readOneEngine, readProofs } from './lanes.ts'

// Apart, or this file would itself be taken for one that uses servers.
const MYSQL = ['TEST', 'MYSQL_URL'].join('_')
const DYNAMODB = ['TEST', 'DYNAMODB_ENDPOINT'].join('_')
const MAIN = ['infra/local', 'main.ts'].join('/')
const ASSERT = ['fc', 'assert(one)'].join('.')

describe('the lanes of the tests', () => {
  let folder: TemporaryFolder
  beforeEach(async () => {
    folder = await makeFolder()
    await write({
      'infra/local/mysql/server.ts': 'export const startMysql = 1',
      'infra/local/dynamodb/server.ts': 'export const startDynamoDb = 1',
      'test/support/dynamodb-local.ts': '',
      // A name of the project's own code says nothing of a test.
      'infra/settings.ts': `// ${MYSQL}\nexport const a = 'a'`,
      'test/support/database.ts': `export const url = process.env.${MYSQL}`,
      'test/support/tables.ts': `export const endpoint = process.env.${DYNAMODB}`,
    })
  })
  afterEach(() => folder.remove())

  const write = async (files: Readonly<Record<string, string>>): Promise<void> => {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder.path, path)), { recursive: true })
      await writeFile(join(folder.path, path), text)
    }
  }
  const laneOf = async (text: string): Promise<string | undefined> => {
    await write({ 'test/infra/one.test.ts': text })
    const lanes = Object.entries(readLanes(folder.path))
    return lanes.find(([, [path]]) => path === join(folder.path, 'test/infra/one.test.ts'))?.[0]
  }

  it.each([
    ['nothing', 'unit', ''],
    ['code without servers', 'unit', "import { a } from '../../infra/settings.ts'"],
    ['the variable itself', 'mysql', `const url = process.env.${MYSQL}`],
    ['it by taking it out', 'mysql', `const { ${MYSQL} = '' } = process.env`],
    ['its name only', 'unit', `const name = '${MYSQL}'`],
    ['a support file', 'dynamodb', "import { endpoint } from '../support/tables.ts'"],
    ['it over several lines', 'mysql', "import {\n  url,\n} from '../support/database.ts'"],
    ['it for its effect', 'mysql', "import '../support/database.ts'"],
    ['it later', 'mysql', "const { url } = await import('../support/database.ts')"],
    ['its type', 'unit', "import type { url } from '../support/database.ts'"],
    ['both', 'mysql', "import '../support/tables.ts'\nimport '../support/database.ts'"],
    ['what starts one', 'dynamodb', "import { startDynamoDb } from '../../infra/local/dynamodb/server.ts'"],
    ['a program', 'mysql', "const path = new URL('../support/database.ts', import.meta.url)"],
    ['a program by its path', 'mysql', "spawn('node', [resolve('test/support/database.ts')])"],
  ])('a test that uses %s is in the lane %s', async (_, lane, text) => {
    expect(await laneOf(text)).toBe(lane)
  })

  it('a test is in the lane of what its imports import, round a circle too', async () => {
    await write({
      'test/infra/harness.ts': "import './deeper.ts'",
      'test/infra/deeper.ts': "export * from './harness.ts'\nexport { url } from '../support/database.ts'",
    })
    expect(await laneOf("import './harness.ts'")).toBe('mysql')
  })

  it('refuses to guess when a module that starts servers has moved', async () => {
    await folder.remove()
    expect(() => readLanes(folder.path)).toThrow('ENOENT')
  })

  it('the project has tests in each', () => {
    const root = join(import.meta.dirname, '..', '..')
    const lanes = readLanes(root)
    expect(Object.values(lanes).every((tests) => tests.length > 0)).toBe(true)
    expect(lanes.unit.map((path) => relative(root, path))).toContain('test/support/lanes.test.ts')
  })

  it('a test that runs a whole stack is played on one engine, but for two that show it on both', async () => {
    await write({
      'infra/local/main.ts': "import './stack.ts'",
      'infra/local/start.mjs': "import './main.ts'",
      'infra/local/stack.ts': "import './mysql/server.ts'",
      'test/support/stack.ts': `spawn('node', [join(repository, '${MAIN}')])`,
      'test/e2e/stack.test.ts': "import '../support/stack.ts'",
      'test/e2e/mirror.test.ts': "import '../support/stack.ts'",
      'test/infra/stack.test.ts': "import '../support/stack.ts'",
      'test/infra/server.test.ts': "import '../../infra/local/mysql/server.ts'",
    })
    expect(readOneEngine(folder.path)).toEqual([join(folder.path, 'test/infra/stack.test.ts')])
  })

  describe('what a proof plays', () => {
    const proofOf = async (name: string, text: string): Promise<string | undefined> => {
      const path = join(folder.path, 'test/infra', name)
      await write({
        'test/support/runs.ts': "import 'fast-check'\nexport const times = 1\nexport const isProving = true",
        'test/support/drawn.ts':
          "import fc from 'fast-check'\nexport const some = fc.sample(fc.nat(), { seed: 1 })",
        'test/support/suite.ts': `import fc from 'fast-check'\nexport const suite = () => ${ASSERT}`,
        [`test/infra/${name}`]: text,
      })
      return Object.entries(readProofs(folder.path)).find(([, paths]) => paths.includes(path))?.[0]
    }

    it.each([
      ['nothing random', undefined, 'a.test.ts', ''],
      ['a property', 'random', 'a.test.ts', "import { fc } from '@fast-check/jest'"],
      ['one that it asserts', 'random', 'a.test.ts', `import fc from 'fast-check'\nawait ${ASSERT}`],
      ['one of a suite', 'random', 'a.test.ts', "import { suite } from '../support/suite.ts'"],
      ['a number of runs', 'random', 'a.test.ts', "import { isProving, times } from '../support/runs.ts'"],
      ['one over several lines', 'random', 'a.test.ts', "import {\n  runs,\n} from '../support/runs.ts'"],
      ['a long property', 'random', 'a.long.test.ts', "import { fc } from '@fast-check/jest'"],
      ['what a fixed seed draws', undefined, 'a.test.ts', "import { some } from '../support/drawn.ts'"],
      ['that, for long', 'once', 'a.long.test.ts', "import { some } from '../support/drawn.ts'"],
      ['a long time', 'once', 'a.long.test.ts', ''],
      ['more in a proof', 'once', 'a.test.ts', "import { isProving } from '../support/runs.ts'"],
    ])('of a test with %s is %s', async (_, proof, name, text) => {
      expect(await proofOf(name, text)).toBe(proof)
    })

    it('is each random test of the project, and each long one', () => {
      const root = join(import.meta.dirname, '..', '..')
      const { random, once } = readProofs(root)
      const names = (paths: readonly string[]) => paths.map((path) => relative(root, path))
      const bridge = 'test/functions/bridge'
      expect(names(random)).toEqual(
        expect.arrayContaining([
          `${bridge}/copy/copy-killed.long.test.ts`,
          `${bridge}/tables/round-trip.test.ts`,
        ]),
      )
      expect(names(once)).toEqual(expect.arrayContaining(['test/infra/app.test.ts']))
      expect(names(random)).not.toContain('test/support/lanes.test.ts')
      const long = globSync('test/**/*.long.test.ts', { cwd: root })
      expect([...names(random), ...names(once)]).toEqual(expect.arrayContaining(long))
    })
  })
})
