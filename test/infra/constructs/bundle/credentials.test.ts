import { once } from 'node:events'
import { createServer } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { defaultProvider } from '../../../../infra/constructs/bundle/credentials.ts'

/** What the bundles have instead of the SDK's chain of credential providers. */
describe('the credentials of a bundled function', () => {
  const before = process.env
  beforeEach(() => {
    process.env = Object.fromEntries(Object.entries(before).filter(([name]) => !name.startsWith('AWS_')))
  })
  afterEach(() => {
    process.env = before
  })

  it("are those of Lambda's environment, with the session", async () => {
    process.env.AWS_ACCESS_KEY_ID = 'id'
    process.env.AWS_SECRET_ACCESS_KEY = 'secret'
    process.env.AWS_SESSION_TOKEN = 'token'

    expect(await defaultProvider()()).toMatchObject({
      accessKeyId: 'id',
      secretAccessKey: 'secret',
      sessionToken: 'token',
    })
  })

  it('come from the address that the environment names, as with SnapStart and in a container', async () => {
    const seen: (string | undefined)[] = []
    const server = createServer((request, response) => {
      seen.push(request.headers.authorization)
      response.writeHead(200, { 'content-type': 'application/json' }).end(
        JSON.stringify({
          AccessKeyId: 'id',
          SecretAccessKey: 'secret',
          Token: 'token',
          Expiration: '2100-01-01T00:00:00Z',
        }),
      )
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI = `http://127.0.0.1:${port}/credentials`
    process.env.AWS_CONTAINER_AUTHORIZATION_TOKEN = 'ask-with-this'

    const credentials = await defaultProvider()().finally(() => {
      server.closeAllConnections()
      server.close()
    })

    expect(credentials).toMatchObject({ accessKeyId: 'id', sessionToken: 'token' })
    expect(credentials.expiration?.getUTCFullYear()).toBe(2100)
    expect(seen).toEqual(['ask-with-this'])
  })

  it('are missed loudly, by name', async () => {
    await expect(defaultProvider()()).rejects.toThrow(/environment variable credentials/)
  })
})
