import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { LEGACY_API } from '../../../../functions/bridge/runtime/metrics.ts'
import { makeFolder, type TemporaryFolder } from '../../../support/folder.ts'
import { openTestStack, type TestStack } from '../harness.ts'

describe('a route that is complete', () => {
  let stack: TestStack
  const cutover = (...args: string[]) => stack.run('cutover', ...args)
  const forced = ['--force', '--why', 'a test', '--yes']
  const go = async (entity: string, stage: string, ...more: string[]) =>
    expect(await cutover('set', entity, stage, ...more, ...forced)).toMatchObject({ code: 0 })

  beforeAll(async () => {
    stack = await openTestStack({ owned: ['chef', 'recipe'] })
    await stack.aurora.legacy.query("INSERT INTO cheftable (cheffirst, cheflast) VALUES ('a', 'b')")
    await go('chef', 'mirrored')
    await go('chef', 'shadow')
    await go('chef', 'live', '--percent', '100')
    expect((await cutover('sweep', 'chef', '--yes')).code).toBe(0)
  }, 60_000)
  afterAll(() => stack.close())

  it('is only planned with a warning of whoever has been seen to read there', async () => {
    const quiet = await cutover('plan', 'chef', 'complete')
    expect(quiet.stdout).toMatch(/^readers there +none at \/aurora\/chefs in 24 hours$/m)
    expect(quiet.stdout).toMatch(/^by SQL +nobody can tell here: ask the database who reads cheftable$/m)
    const published = { service: LEGACY_API, entity: 'chef', unit: 'Count' }
    stack.metrics.record({ ...published, name: 'Reads', values: [41] })
    stack.metrics.record({ ...published, name: 'Writes', values: [1] })
    const { stdout } = await cutover('plan', 'chef', 'complete')
    expect(stdout).toMatch(
      /^readers there +41 reads and 1 writes at \/aurora\/chefs in 24 hours, the last in the hour from /m,
    )
    expect(JSON.parse((await cutover('plan', 'chef', 'complete', '--json')).stdout)).toMatchObject({
      readers: { value: { hours: 24, reads: 41, writes: 1 } },
    })
  })

  it('is refused while another one that goes on refers to it, with what to do', async () => {
    const { code, stdout } = await cutover('set', 'chef', 'complete', '--yes')
    expect(code).toBe(4)
    expect(stdout).toMatch(
      /^referring +recipe refers to it and is not complete.*npx backsync cutover set recipe complete$/m,
    )
  })

  it('is not made so by a script that has not said yes: its name has to be typed', async () => {
    const { code, stderr } = await cutover('set', 'chef', 'complete', '--force', '--why', 'x')
    expect(code).toBe(4)
    expect(stderr).toMatch(/not confirmed: .*from where there is no way back/)
  })

  it('is made so against all that only when it is forced, and is remembered with it', async () => {
    const { code, stderr } = await cutover('set', 'chef', 'complete', ...forced)
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^readers there: 41 reads/m)])
    expect((await cutover('history', 'chef')).stdout).toMatch(/complete .*forced: .*referring/)
    expect((await cutover('status')).stdout).toMatch(/^chef +complete .*npx backsync cutover sweep chef$/m)
  })

  it('has "status" say what is left to do: the sweep, and then what is left in Aurora', async () => {
    const next = async () => {
      const { stdout } = await stack.run('status', '--json')
      const { entities } = JSON.parse(stdout)
      const {
        stage,
        blockers,
        next: then,
      } = entities.find((one: { entity: string }) => one.entity === 'chef')
      return { stage: stage.value, blockers, type: then.type }
    }
    expect(await next()).toEqual({
      ...{ stage: { name: 'complete', settled: false }, blockers: [] },
      type: 'npx backsync cutover sweep chef',
    })
    expect((await cutover('sweep', 'chef', '--yes')).code).toBe(0)
    expect(await next()).toEqual({
      ...{ stage: { name: 'complete', settled: true }, blockers: [] },
      type: 'npx backsync cutover decommission chef',
    })
  })

  it.each([
    ['verify', 'chef'],
    ['repair', 'chef', '--yes'],
    ['backfill', 'chef', '--from', 'aurora', '--yes'],
    ['backfill', 'chef', '--from', 'dynamo', '--yes'],
    ['resync', 'chef', '--yes'],
    ['compare', 'GET', '/chefs'],
    ['mirror', 'install', 'chef', '--print'],
    ['cutover', 'recover', 'chef', '--restored', 'aurora', '--yes'],
    ['cutover', 'back', 'chef', '--yes'],
    ['cutover', 'set', 'chef', 'live', '--yes'],
  ])('refuses what needs both sides: %s %s', async (...args) => {
    const { code, stdout, stderr } = await stack.run(...args)
    expect([code, stdout, stderr]).toEqual([4, '', expect.stringMatching(/complete/)])
  })

  it('does not stand against the same of others', async () => {
    expect((await stack.run('verify', 'recipe')).code).toBe(0)
  })

  describe('and what is left of it in Aurora', () => {
    let folder: TemporaryFolder
    beforeAll(async () => {
      folder = await makeFolder()
      await writeFile(join(folder.path, '0041_last.up.sql'), 'DO 0;')
      await writeFile(join(folder.path, '0041_last.down.sql'), 'DO 0;')
    })
    afterAll(() => folder.remove())
    const decommission = (...args: string[]) =>
      cutover('decommission', 'chef', '--folder', folder.path, ...args)
    const files = async () => (await readdir(folder.path)).filter((file) => file.includes('chef'))

    it('is not taken out while another one that goes on refers to it: it is named, and nothing is written', async () => {
      const { code, stdout, stderr } = await decommission('--write')
      expect([code, stderr]).toEqual([
        4,
        expect.stringMatching(
          /^backsync: chef is still touched: recipe refers to chef, and its route is legacy.*npx backsync cutover plan recipe complete/s,
        ),
      ])
      expect(stdout).toMatch(/^columns +backsync_key, .*backsync_epoch of cheftable$/m)
      expect(stdout).toMatch(/^in the way +1$/m)
      expect(await files()).toEqual([])
    })

    it('is shown with the migration that takes it out, and the line of the definition; nothing is written', async () => {
      await go('recipe', 'mirrored')
      await go('recipe', 'shadow')
      await go('recipe', 'live', '--percent', '100')
      await go('recipe', 'complete')
      expect((await cutover('sweep', 'recipe', '--yes')).code).toBe(0)
      const { code, stdout } = await decommission()
      expect([code, stdout]).toEqual([
        0,
        expect.stringMatching(/^legacy paths +\/aurora\/chefs, and what is below it$/m),
      ])
      expect(stdout).toMatch(/^ALTER TABLE `cheftable`\n {2}DROP KEY `backsync_key`,$/m)
      expect(stdout).toMatch(/^DELETE FROM backsync_owners WHERE entity IN \('chef', 'chef.lifted'\);$/m)
      expect(stdout).toMatch(
        /^1\. npx backsync cutover decommission chef --write\n2\. in the definition of chef.*, say: retired: true\n3\. deploy/m,
      )
      expect(await files()).toEqual([])
    })

    it('is written once, under the next number', async () => {
      const json = JSON.parse((await decommission('--write', '--json')).stdout)
      expect(json).toMatchObject({ route: 'chef', written: '0042_decommission_chef.up.sql', refusals: [] })
      expect((await files()).toSorted()).toEqual([
        '0042_decommission_chef.down.sql',
        '0042_decommission_chef.up.sql',
      ])
      const up = join(folder.path, '0042_decommission_chef.up.sql')
      expect(await readFile(up, 'utf8')).toBe(json.migration.up)
      await writeFile(up, '-- changed by hand\nDO 0;')
      const { code, stdout } = await decommission('--write')
      expect([code, stdout]).toEqual([
        0,
        expect.stringMatching(/^1\. commit sql\/0042_decommission_chef\.up\.sql/m),
      ])
      expect(await readFile(up, 'utf8')).toMatch(/changed by hand/)
    })
  })
})
