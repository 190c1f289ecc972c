import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, it } from '@jest/globals'
import { mysqlUrl, parseMysqlUrl, useExternalServer } from '../../../../infra/local/mysql/external.ts'
import { findFreePort } from '../../../../infra/local/processes/port.ts'

const ours = process.env.TEST_MYSQL_URL ?? ''

describe('parseMysqlUrl', () => {
  it.each([
    ['mysql://root@127.0.0.1:3307', { host: '127.0.0.1', port: 3307, user: 'root', password: '' }],
    ['mysql://localhost', { host: 'localhost', port: 3306, user: 'root', password: '' }],
    ['mysql://a%40b:p%3Ass%2F@db/shop', { host: 'db', port: 3306, user: 'a@b', password: 'p:ss/' }],
    ['mariadb://u:p@[::1]:3306', { host: '::1', port: 3306, user: 'u', password: 'p' }],
  ])('reads %s, and writes the same again', (text, login) => {
    expect(parseMysqlUrl(text)).toEqual(login)
    expect(parseMysqlUrl(mysqlUrl(login))).toEqual(login)
  })

  it.each(['', 'localhost:3306', 'http://localhost', 'mysql://', 'mysql://u:%zz@host'])(
    'refuses %j',
    (text) => {
      expect(() => parseMysqlUrl(text)).toThrow(expect.objectContaining({ code: 'mysql.bad-url' }))
    },
  )

  it('keeps the password out of its messages', () => {
    expect(() => parseMysqlUrl('http://root:hunter2@host')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    )
  })
})

describe('useExternalServer', () => {
  it('logs in and says what the server is', async () => {
    expect(await useExternalServer(ours)).toMatchObject({
      ...parseMysqlUrl(ours),
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    })
  })

  it('says that nobody listens', async () => {
    const port = await findFreePort()

    await expect(useExternalServer(`mysql://root@127.0.0.1:${port}`)).rejects.toMatchObject({
      code: 'mysql.unreachable',
      message: expect.stringContaining('ECONNREFUSED'),
    })
  })

  it('says that the login is refused, without the password', async () => {
    const url = new URL(ours)
    url.username = 'nobody_of_this_name'
    url.password = 'hunter2'

    const failure = useExternalServer(url.href)

    await expect(failure).rejects.toMatchObject({
      code: 'mysql.unreachable',
      message: expect.stringContaining('denied'),
    })
    await expect(failure).rejects.not.toMatchObject({ message: expect.stringContaining('hunter2') })
  })

  it('gives up on a server that takes the connection and stays silent', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const address = silent.address()
    const port = typeof address === 'object' ? address?.port : undefined
    try {
      await expect(useExternalServer(`mysql://root@127.0.0.1:${port}`)).rejects.toMatchObject({
        code: 'mysql.unreachable',
      })
    } finally {
      silent.close()
    }
  })
})
