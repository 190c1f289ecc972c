import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import * as z from 'zod'
import { makeFolder, type TemporaryFolder } from '../../../support/folder.ts'
import { type Answer, openTestStack, runHere, type TestStack } from '../harness.ts'
import { type MigrationsFolder, openMigrationsFolder } from './harness.ts'

const written = z.object({ outputs: z.record(z.string(), z.string()) })

/** CloudFormation's answer in the form of its Query protocol. */
const described = (outputs: Readonly<Record<string, string>>): string => `
<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks><member>
  <StackName>Backsync-prod</StackName><StackStatus>UPDATE_COMPLETE</StackStatus>
  <CreationTime>2026-11-22T10:00:00.000Z</CreationTime><Outputs>${Object.entries(outputs)
    .map(
      ([name, value]) => `<member><OutputKey>${name}</OutputKey><OutputValue>${value}</OutputValue></member>`,
    )
    .join('')}</Outputs>
</member></Stacks></DescribeStacksResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></DescribeStacksResponse>`

let stack: TestStack
let folder: MigrationsFolder
/** No local stack runs there. */
let home: TemporaryFolder
let server: Server

beforeAll(async () => {
  stack = await openTestStack()
  folder = await openMigrationsFolder()
  home = await makeFolder()
  const { outputs } = written.parse(JSON.parse(readFileSync(join(stack.home, 'stack.json'), 'utf8')))
  server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(200, { 'content-type': 'text/xml' })
      response.end(described(outputs))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  process.env.AWS_ENDPOINT_URL_CLOUDFORMATION = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
}, 60_000)
afterAll(async () => {
  delete process.env.AWS_ENDPOINT_URL_CLOUDFORMATION
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await folder.remove()
  await home.remove()
  await stack.close()
})

const migrate = (command: string, ...args: string[]): Promise<Answer> =>
  runHere(home.path, 'migrate', command, ...args, '--stack', 'Backsync-prod', '--folder', folder.path)
const dish = async (): Promise<RowDataPacket[]> =>
  (await stack.aurora.legacy.query<RowDataPacket[]>('SELECT id, n FROM dish'))[0]

it('a deployed stack is migrated by the same commands, from the first look to the way back', async () => {
  expect((await migrate('status')).code).toBe(0)
  folder.write(
    '0100_dishes',
    `CREATE TABLE dish (id INT PRIMARY KEY, n INT NOT NULL);
INSERT INTO dish VALUES (1, 1);
CREATE TRIGGER dish_bi BEFORE INSERT ON dish FOR EACH ROW SET NEW.n = NEW.n + 1;
TRUNCATE dish;
INSERT INTO dish VALUES (2, 1);`,
    'DROP TABLE dish',
  )
  expect((await migrate('lint', '0100_dishes')).stdout).toMatch(
    /error truncate: .*\n1 looked over: 1 errors, 1 warnings\n$/,
  )
  expect(await migrate('plan')).toMatchObject({
    code: 3,
    stdout: expect.stringContaining(
      'statement 3 of 5, line 3: recorded behind it; sent again, the server tells',
    ),
  })
  const asked = await migrate('up', '--direct', 'mysql://127.0.0.1:1')
  expect([asked.code, asked.stderr]).toEqual([
    4,
    expect.stringContaining('the stack Backsync-prod in us-east-1'),
  ])
  const refused = await migrate('up', '--yes')
  expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining('--direct mysql://HOST:3306')])

  stack.aurora.api.faults.add({ kind: 'drop-after', sql: 'TRUNCATE', times: 1 })
  const direct = ['--direct', `mysql://root:@${stack.aurora.host}:${stack.aurora.port}`]
  expect((await migrate('up', '--yes', ...direct)).code).toBe(4)
  expect((await migrate('repair')).stdout).toContain('npx backsync migrate repair 0100_dishes 4 --done')
  const said = await migrate('repair', '0100_dishes', '4', '--done', '--why', 'it is empty', '--yes')
  expect(said.code).toBe(0)
  expect(await migrate('up', '--yes', ...direct)).toMatchObject({ code: 0, stdout: '0100_dishes: applied\n' })
  expect(await dish()).toEqual([{ id: 2, n: 2 }])
  expect((await migrate('status')).code).toBe(0)

  expect(await migrate('down', '--yes')).toMatchObject({ code: 0, stdout: '0100_dishes: undone\n' })
  expect(await migrate('baseline', '--to', '100', '--why', 'made by hand', '--yes')).toMatchObject({
    code: 0,
    stdout: '0100_dishes: recorded as applied\n',
  })
}, 120_000)
