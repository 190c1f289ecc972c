import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2'
import { readMigrations } from '../../../../functions/bridge/migrations/files.ts'
import { writeAsFormerRelease } from '../../../functions/fixtures/release-0.2.ts'
import { bridgeSqlFolder, openTestAurora, sqlFolder, type TestAurora } from '../../../support/aurora.ts'
import { makeFolder, type TemporaryFolder } from '../../../support/folder.ts'
import { call, type RunningStack, runStack } from '../../../support/stack.ts'
import { until } from '../../../support/until.ts'
import { runHere } from '../harness.ts'

/** `npm start` with MYSQL_URL over a database of release 0.2, and what ends its state. */
describe('a start over a database of 0.2', () => {
  let aurora: TestAurora
  let folder: TemporaryFolder
  let stack: RunningStack
  beforeAll(async () => {
    aurora = await openTestAurora({ migrate: false })
    await aurora
      .migrator(
        readMigrations(sqlFolder).filter(({ id }) => id <= 6),
        readMigrations(bridgeSqlFolder).filter(({ id }) => id <= 3),
      )
      .apply()
    await writeAsFormerRelease(aurora.legacy, {
      ...{ key: 'former', version: 1n, at: '2026-11-20T10:00:00.000Z', row: ['Ida', 'Former'] as const },
    })
    folder = await makeFolder()
    const url = new URL(process.env.TEST_MYSQL_URL ?? '')
    url.pathname = `/${aurora.database}`
    stack = await runStack(folder.path, { MYSQL_URL: url.href })
  }, 180_000)
  afterAll(async () => {
    await stack?.stop()
    await folder?.remove()
    await aurora?.close()
  }, 60_000)

  const backsync = (...args: string[]) => runHere(folder.path, ...args)
  const send = (method: string, path: string, firstName: string) =>
    call(`${stack.url}${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ firstName, lastName: 'Test' }),
    })
  const row = async (key: string): Promise<string | undefined> => {
    const [[found]] = await aurora.legacy.query<RowDataPacket[]>(
      'SELECT cheffirst AS f, backsync_owner AS o FROM cheftable WHERE backsync_key = ?',
      [key],
    )
    return found && `${found.f} ${found.o}`
  }

  it('brings the columns, lets both sides write as before, and refuses the wrong side once it is taken over', async () => {
    expect(await row('former')).toBe('Ida null')
    expect((await backsync('owners', 'list')).stdout).toMatch(
      /^chef +not known +- +npx backsync owners take chef$/m,
    )
    const key = String((await send('POST', '/dynamo/chefs', 'Modern')).json().chefId)
    await until('the row is there', 30_000, async () => (await row(key)) !== undefined)
    // As a function of 0.2 has left it.
    await aurora.legacy.query(
      'UPDATE cheftable SET backsync_owner = NULL, backsync_updated_at = backsync_updated_at WHERE backsync_key = ?',
      [key],
    )
    expect((await send('PUT', `/dynamo/chefs/${key}`, 'Changed')).status).toBe(200)
    await until('the change is there', 30_000, async () => (await row(key)) === 'Changed null')
    expect((await send('PUT', '/aurora/chefs/former', 'Ada')).status).toBe(200)

    const taken = await backsync('owners', 'take', 'chef', '--yes')
    expect(taken.stdout).toMatch(/^given to DynamoDB +1$/m)

    expect([await row(key), await row('former')]).toEqual(['Changed dynamo', 'Ada null'])
    expect((await send('PUT', `/aurora/chefs/${key}`, 'Wrong')).status).toBe(409)
    expect((await send('PUT', `/dynamo/chefs/${key}`, 'Right')).status).toBe(200)
    await until('the change is there', 30_000, async () => (await row(key)) === 'Right dynamo')
    expect((await send('PUT', '/aurora/chefs/former', 'Eve')).status).toBe(200)
    expect((await backsync('owners', 'list')).stdout).toMatch(/^chef +known since /m)
  }, 400_000)
})
