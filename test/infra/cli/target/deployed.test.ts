import { createServer, type Server } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { openTestParking, type TestParking } from '../../../functions/bridge/parking/harness.ts'
import { runCli } from '../harness.ts'

/** CloudFormation's answers in the form of its Query protocol. */
const described = (table: string): string => `
<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks><member>
  <StackName>Backsync-prod</StackName><StackStatus>UPDATE_COMPLETE</StackStatus>
  <CreationTime>2026-11-22T10:00:00.000Z</CreationTime>
  <Outputs><member><OutputKey>ParkingTableName</OutputKey><OutputValue>${table}</OutputValue></member></Outputs>
</member></Stacks></DescribeStacksResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></DescribeStacksResponse>`
const unknown = (name: string): string => `
<ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><Error><Type>Sender</Type>
  <Code>ValidationError</Code><Message>Stack with id ${name} does not exist</Message></Error><RequestId>r</RequestId></ErrorResponse>`

describe('a deployed stack as a target', () => {
  let server: Server
  let parking: TestParking
  const asked: URLSearchParams[] = []
  let authorization = ''
  let env: NodeJS.ProcessEnv

  beforeAll(async () => {
    parking = await openTestParking()
    server = createServer((request, response) => {
      let body = ''
      request.setEncoding('utf8').on('data', (text: string) => {
        body += text
      })
      request.on('end', () => {
        const given = new URLSearchParams(body)
        asked.push(given)
        authorization = request.headers.authorization ?? ''
        const name = given.get('StackName') ?? ''
        const found = name === 'Backsync-prod'
        response.writeHead(found ? 200 : 400, { 'content-type': 'text/xml' })
        response.end(found ? described(parking.table) : unknown(name))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    env = {
      BACKSYNC_HOME: '/nowhere',
      AWS_ENDPOINT_URL_CLOUDFORMATION: `http://127.0.0.1:${port}`,
      AWS_ENDPOINT_URL_DYNAMODB: process.env.TEST_DYNAMODB_ENDPOINT,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_REGION: 'us-east-1',
    }
  })
  afterAll(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await parking.close()
  })

  it('is found by its name in CloudFormation, in the region that is asked for', async () => {
    const answer = await runCli(['parked', 'list', '--stack', 'Backsync-prod', '--region', 'eu-west-1'], env)

    expect(answer).toEqual({ code: 0, stdout: 'nothing is parked\n', stderr: '' })
    expect(asked.at(-1)?.get('Action')).toBe('DescribeStacks')
    expect(authorization).toContain('/eu-west-1/cloudformation/')
  })

  it('that is not there is said in one line, with what to check', async () => {
    const answer = await runCli(['parked', 'list', '--stack', 'Baksync'], env)

    expect(answer).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(
        /^backsync: the stack Baksync can't be read: Stack with id Baksync does not exist; check its name, .*\n$/,
      ),
    })
  })

  it('that has no such output was made by another version', async () => {
    const answer = await runCli(['parked', 'retry', '--stack', 'Backsync-prod', '--yes', 'chef', 'x'], env)
    // The key is looked up first: the parking table is known.
    expect(answer.stderr).toContain('chef x is not parked')
  })

  it('is asked for with the credentials of the profile that is named, whatever the shell has', async () => {
    const answer = await runCli(['parked', 'list', '--stack', 'Backsync-prod', '--profile', 'nobody'], {
      ...env,
      AWS_CONFIG_FILE: '/nowhere/config',
      AWS_SHARED_CREDENTIALS_FILE: '/nowhere/credentials',
      AWS_EC2_METADATA_DISABLED: 'true',
    })

    expect([answer.code, answer.stdout]).toEqual([1, ''])
    expect(answer.stderr).toMatch(/^backsync: the stack Backsync-prod can't be read: .*credentials.*\n$/i)
  })
})
