import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { failure, Harness, server, until } from './harness.ts'

/** Stands between the endpoint and MySQL, and can be pulled like a plug. */
class Plug {
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined
  /** Set: the next bytes from the endpoint that hold this text are thrown away, and the connection with them. */
  cutAt: string | undefined
  port = 0

  async plugIn(): Promise<void> {
    const listening = createServer((near) => {
      const far = connect(server.port, server.host)
      for (const socket of [near, far]) {
        this.#sockets.add(socket)
        socket.on('error', () => socket.destroy())
        socket.on('close', () => {
          near.destroy()
          far.destroy()
          this.#sockets.delete(socket)
        })
      }
      near.on('data', (bytes) => {
        if (this.cutAt !== undefined && bytes.includes(this.cutAt)) {
          this.cutAt = undefined
          near.destroy()
        } else far.write(bytes)
      })
      far.pipe(near)
    })
    this.#server = listening
    await new Promise<void>((resolve) => listening.listen(this.port, '127.0.0.1', resolve))
    const address = listening.address()
    if (typeof address === 'object' && address) this.port = address.port
  }

  async pullOut(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server?.close(() => resolve()))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }
}

let h: Harness
let plug: Plug

beforeEach(async () => {
  plug = new Plug()
  await plug.plugIn()
  h = await Harness.start({ mysql: { host: '127.0.0.1', port: plug.port } })
  await h.direct.query('CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY)')
})
afterEach(async () => {
  await h.stop()
  await plug.pullOut()
})

const insert = 'INSERT INTO log VALUES ()'
const count = async () => Number((await h.rows('SELECT COUNT(*) AS n FROM log'))[0]?.n)

describe('a server that goes away', () => {
  it('is unavailable while it is gone, and used again when it is back', async () => {
    await h.execute(insert)
    await plug.pullOut()
    expect(await failure(h.execute(insert))).toMatchObject({
      name: 'DatabaseUnavailableException',
      status: 504,
    })
    expect(await failure(h.begin())).toMatchObject({ name: 'DatabaseUnavailableException', status: 504 })
    await plug.plugIn()
    await h.execute(insert)
    expect(await count()).toBe(2)
  })

  it('may not have been there at all', async () => {
    await plug.pullOut()
    expect((await failure(h.execute(insert))).name).toBe('DatabaseUnavailableException')
    await plug.plugIn()
    await h.execute(insert)
  })

  it('fails the statement that was running, which is not repeated', async () => {
    const call = failure(h.execute('INSERT INTO log SELECT SLEEP(20) + 100'))
    await until(async () =>
      (await h.rows('SHOW PROCESSLIST')).some((row) => String(row.Info).includes('SLEEP(20)')),
    )
    await plug.pullOut()
    expect(await call).toMatchObject({ name: 'DatabaseUnavailableException', status: 504 })
    await plug.plugIn()
    const running = (await h.rows('SHOW PROCESSLIST')).filter((row) =>
      String(row.Info).startsWith('INSERT INTO log SELECT'),
    )
    expect(running.length).toBeLessThanOrEqual(1)
    for (const row of running) await h.direct.query(`KILL ${row.Id}`)
    await h.execute('SELECT 1')
  })

  it('is asked again in a new session when the statement was never executed', async () => {
    await h.execute(insert)
    // The connection breaks while the statement is being prepared.
    plug.cutAt = 'SELECT 4711'
    expect(await h.value('SELECT 4711')).toEqual({ longValue: 4711 })
  })

  it('begins a transaction in a new session when the idle one breaks', async () => {
    await h.execute(insert)
    plug.cutAt = 'START TRANSACTION'
    const transactionId = await h.begin()
    await h.execute(insert, { transactionId })
    await h.commit(transactionId)
    expect(await count()).toBe(2)
  })

  it('is not asked again when the statement may have been executed', async () => {
    const marker = 'only once, please'
    plug.cutAt = marker
    const parameters = [{ name: 'a', value: { stringValue: marker } }]
    expect(await failure(h.execute('SELECT :a', { parameters }))).toMatchObject({
      name: 'DatabaseUnavailableException',
    })
    expect(await h.value('SELECT :a', { parameters })).toEqual({ stringValue: marker })
  })

  it('takes open transactions with it', async () => {
    const transactionId = await h.begin()
    await h.execute(insert, { transactionId })
    await plug.pullOut()
    await plug.plugIn()
    const names = [
      (await failure(h.execute(insert, { transactionId }))).name,
      (await failure(h.commit(transactionId))).name,
    ]
    expect(['DatabaseUnavailableException', 'TransactionNotFoundException']).toContain(names[0])
    expect(names[1]).toBe('TransactionNotFoundException')
    expect(await count()).toBe(0)
  })
})

it('replaces idle sessions that the server has killed', async () => {
  await Promise.all([h.execute('SELECT 1'), h.execute('SELECT 2'), h.execute('SELECT 3')])
  for (const row of await h.rows('SHOW PROCESSLIST')) {
    if (row.db === h.database && row.Id !== h.direct.threadId) {
      await h.direct.query(`KILL ${row.Id}`).catch(() => undefined)
    }
  }
  for (let calls = 0; calls < 6; calls += 1) expect(await h.value('SELECT 1')).toEqual({ longValue: 1 })
})
