import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { type Emulator, findEmulator, howToGetDynamoDb } from '../../../../infra/local/dynamodb/find.ts'
import { makeFolder, type TemporaryFolder } from '../../../support/folder.ts'

let folder: TemporaryFolder
beforeEach(async () => {
  folder = await makeFolder()
})
afterEach(() => folder.remove())

const at = (path: string): string => join(folder.path, path)
const place = async (path: string, text = '#!/bin/sh\nexit 0\n', mode = 0o755): Promise<string> => {
  await mkdir(dirname(at(path)), { recursive: true })
  await writeFile(at(path), text)
  await chmod(at(path), mode)
  return at(path)
}
const placePackage = (name: string): Promise<string> =>
  place(`node_modules/${name}/package.json`, '{}', 0o644)

/** As seen from a module in the folder, on a machine whose PATH is the folder `bin`. */
const find = (env: NodeJS.ProcessEnv = {}): Promise<Emulator | undefined> =>
  findEmulator({
    env: { PATH: at('bin'), ...env },
    platform: 'linux',
    arch: 'x64',
    from: pathToFileURL(at('module.ts')).href,
  })

it('finds nothing where there is nothing', async () => {
  expect(await find()).toBeUndefined()
})

it('prefers the packaged dynoxide to the one on the PATH, and both to DynamoDB Local', async () => {
  const jar = await place('DynamoDBLocal.jar')
  await place('bin/java')
  expect(await find({ DYNAMODB_LOCAL_JAR: jar })).toEqual({ kind: 'dynamodb-local', java: 'java', jar })

  const onPath = await place('bin/dynoxide')
  expect(await find({ DYNAMODB_LOCAL_JAR: jar })).toEqual({ kind: 'dynoxide', binary: onPath })

  await placePackage('@dynoxide/linux-x64')
  const packaged = await place('node_modules/@dynoxide/linux-x64/dynoxide')
  expect(await find({ DYNAMODB_LOCAL_JAR: jar })).toEqual({ kind: 'dynoxide', binary: packaged })
})

it('takes no package of another platform', async () => {
  await placePackage('@dynoxide/darwin-arm64')
  await place('node_modules/@dynoxide/darwin-arm64/dynoxide')

  expect(await find()).toBeUndefined()
})

it('finds the jar inside a package, and Java by JAVA_HOME', async () => {
  await placePackage('amplify-dynamodb-simulator')
  const jar = await place('node_modules/amplify-dynamodb-simulator/emulator/DynamoDBLocal.jar')
  const java = await place('jdk/bin/java')

  expect(await find()).toBeUndefined()
  expect(await find({ JAVA_HOME: at('jdk') })).toEqual({ kind: 'dynamodb-local', java, jar })
})

it('does not take a java that only says where to get one', async () => {
  const jar = await place('DynamoDBLocal.jar')
  await place('bin/java', '#!/bin/sh\necho "get one at …" >&2\nexit 1\n')

  expect(await find({ DYNAMODB_LOCAL_JAR: jar })).toBeUndefined()
})

it.each([
  ['linux', 'arm64', 'npm install --no-save @dynoxide/linux-arm64@1.2.1'],
  ['darwin', 'arm64', 'npm install --no-save @dynoxide/darwin-arm64@1.2.1'],
  ['freebsd', 'x64', expect.stringMatching(/^docker run .*dynamodb-local && export DYNAMODB_ENDPOINT=/)],
] as const)('tells %s-%s the one command', (platform, arch, command) => {
  expect(howToGetDynamoDb(platform, arch)).toEqual(command)
})
