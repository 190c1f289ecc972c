import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import { findLeftovers, watchLeftovers } from './leftovers.ts'

/** What is still open is told at once: nobody waits for its end here. */
const now = () => findLeftovers(0)
const here = (kind: string): unknown =>
  expect.stringMatching(
    new RegExp(`^${kind}.*, made at .*test/support/realm/leftovers\\.test\\.ts:\\d+:\\d+`),
  )
const portOf = (server: Server): number => Object(server.address()).port

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const listening = async (): Promise<Server> => {
  const server = createServer().listen(0, '127.0.0.1')
  closing.push(() => server.close())
  await once(server, 'listening')
  return server
}
const connected = async (server: Server): Promise<Socket> => {
  const socket = connect(portOf(server), '127.0.0.1')
  closing.push(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}
const sleeping = (): ChildProcess => {
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], { stdio: 'ignore' })
  closing.push(() => child.kill('SIGKILL'))
  return child
}
const timer = (ms: number): NodeJS.Timeout => {
  const made = setTimeout(() => {}, ms)
  closing.push(() => clearTimeout(made))
  return made
}

describe('what a file leaves behind', () => {
  it('is nothing at first', async () => {
    watchLeftovers()

    expect(await now()).toEqual([])
  })

  it('is a listening socket, until it is closed', async () => {
    watchLeftovers()
    const server = await listening()
    expect(await now()).toEqual([`a listening socket at 127.0.0.1:${portOf(server)}, made later`])

    server.close()
    expect(await findLeftovers()).toEqual([])
  })

  it('is a connection, at both its ends', async () => {
    const server = await listening()
    watchLeftovers()
    const socket = await connected(server)
    expect(await now()).toContainEqual(here('an open connection'))

    socket.destroy()
    expect(await findLeftovers()).toEqual([])
  })

  it('is a child process, until it has ended', async () => {
    watchLeftovers()
    const child = sleeping()
    expect(await now()).toEqual([here('a child process')])

    child.kill('SIGKILL')
    expect(await findLeftovers()).toEqual([])
  })

  it('is a timer over a second, until it is cleared', async () => {
    watchLeftovers()
    const made = timer(60_000)
    expect(await now()).toEqual([here('a timer')])

    clearTimeout(made)
    expect(await now()).toEqual([])
  })

  it('is one that begins again and again, however soon', async () => {
    watchLeftovers()
    const made = setInterval(() => {}, 100)
    closing.push(() => clearInterval(made))

    expect(await now()).toEqual([here('a timer')])
  })

  it('is not what keeps no process from ending, nor a timer that is due soon', async () => {
    watchLeftovers()
    timer(60_000).unref()
    timer(900)
    ;(await listening()).unref()
    sleeping().unref()

    expect(await now()).toEqual([])
  })

  it('is not what another file has made before', async () => {
    await listening()
    watchLeftovers()

    expect(await now()).toEqual([])
  })
})
