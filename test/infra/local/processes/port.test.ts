import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { StartError } from '../../../../infra/local/processes/errors.ts'
import { findFreePort, startOnRememberedPort } from '../../../../infra/local/processes/port.ts'
import { makeFolder, type TemporaryFolder } from '../../../support/folder.ts'

let folder: TemporaryFolder
let portFile: string

beforeEach(async () => {
  folder = await makeFolder()
  portFile = join(folder.path, 'port')
})

afterEach(() => folder.remove())

const occupy = async (): Promise<{ port: number; free: () => Promise<void> }> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no address')
  return { port: address.port, free: () => new Promise((resolve) => server.close(() => resolve())) }
}

it('keeps the preferred port where it is free, and takes another where it is not', async () => {
  const { port, free } = await occupy()
  expect(await findFreePort(port)).not.toBe(port)

  await free()

  expect(await findFreePort(port)).toBe(port)
})

it('starts on the remembered port, and remembers where it started', async () => {
  const port = await findFreePort()
  await writeFile(portFile, String(port))

  expect(await startOnRememberedPort(portFile, async (given) => given)).toEqual({ port, started: port })
  const occupied = await occupy()
  await writeFile(portFile, String(occupied.port))
  const moved = await startOnRememberedPort(portFile, async (given) => given)
  await occupied.free()

  expect(moved.port).not.toBe(occupied.port)
  expect(await readFile(portFile, 'utf8')).toBe(String(moved.port))
})

it.each(['', 'abc', '0', '70000', '-1'])('takes any port where it remembers %j', async (text) => {
  await writeFile(portFile, text)

  expect((await startOnRememberedPort(portFile, async (given) => given)).port).toBeGreaterThan(0)
})

it('tries another port when somebody took this one in between, three times at most', async () => {
  const tried: number[] = []
  const taken = async (port: number): Promise<never> => {
    tried.push(port)
    throw new StartError('process.start-failed', { message: 'ended', output: 'bind: Address already in use' })
  }

  await expect(startOnRememberedPort(portFile, taken)).rejects.toThrow(StartError)

  expect(tried).toHaveLength(3)
})

it('does not repeat a start that failed for another reason', async () => {
  let tries = 0
  const broken = async (): Promise<never> => {
    tries += 1
    throw new StartError('process.start-failed', { message: 'ended', output: 'no space left' })
  }

  await expect(startOnRememberedPort(portFile, broken)).rejects.toThrow('no space left')

  expect(tries).toBe(1)
})
