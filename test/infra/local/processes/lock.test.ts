import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { LockedError } from '../../../../infra/local/processes/errors.ts'
import { identifyProcess } from '../../../../infra/local/processes/identity.ts'
import { acquireLock, lockOwner } from '../../../../infra/local/processes/lock.ts'
import { makeFolder, type TemporaryFolder } from '../../../support/folder.ts'

let folder: TemporaryFolder
let path: string

beforeEach(async () => {
  folder = await makeFolder()
  path = join(folder.path, 'deep', 'the.lock')
})

afterEach(() => folder.remove())

it('is held by one, and free again after its release', async () => {
  const lock = await acquireLock(path)
  expect(await lockOwner(path)).toBe(process.pid)

  await expect(acquireLock(path)).rejects.toThrow(LockedError)
  await expect(acquireLock(path)).rejects.toMatchObject({ code: 'process.locked', pid: process.pid })
  await lock.release()
  await lock.release()

  expect(await lockOwner(path)).toBeUndefined()
  const next = await acquireLock(path)
  await lock.release()
  expect(await lockOwner(path)).toBe(process.pid)
  await next.release()
})

it('goes to exactly one of many who ask at once', async () => {
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => acquireLock(path)))

  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
})

it('goes to exactly one of many who find a dead owner at once', async () => {
  const lock = await acquireLock(path)
  const dead = { ...JSON.parse(await readFile(path, 'utf8')), startedAt: 'before the flood' }
  await lock.release()
  await writeFile(path, JSON.stringify(dead))

  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => acquireLock(path)))

  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
})

it('is taken over from a process that has ended', async () => {
  const owner = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  await once(owner, 'spawn')
  const identity = await identifyProcess(owner.pid ?? 0)
  await writeFile(
    join(folder.path, 'x.lock'),
    JSON.stringify({ pid: owner.pid, startedAt: identity?.startedAt, token: randomUUID() }),
  )
  await expect(acquireLock(join(folder.path, 'x.lock'))).rejects.toMatchObject({ pid: owner.pid })

  owner.kill('SIGKILL')
  await once(owner, 'exit')

  await (await acquireLock(join(folder.path, 'x.lock'))).release()
})

it('is taken over where the owner’s number belongs to a later process', async () => {
  const lock = await acquireLock(path)
  const mine = JSON.parse(await readFile(path, 'utf8'))
  await lock.release()
  await writeFile(path, JSON.stringify({ ...mine, startedAt: 'before the flood' }))

  await (await acquireLock(path)).release()
})

it('ignores a lock file that cannot be read, and leaves no drafts behind', async () => {
  const broken = join(folder.path, 'y.lock')
  await writeFile(broken, '{"pid":')

  await (await acquireLock(broken)).release()

  expect(await readdir(folder.path)).toEqual([])
})
