import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { Checkpoints } from '../../../../infra/local/streams/checkpoints.ts'

describe('Checkpoints', () => {
  let folder: string
  let file: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'backsync-checkpoints-'))
    file = join(folder, 'deep', 'mapping.json')
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('are found again, with the time of the first start', async () => {
    const first = await Checkpoints.open(file, 'arn:1', 5)
    await first.advance('shard-1', '800000000003126276362')
    await first.finish('shard-0')

    const second = await Checkpoints.open(file, 'arn:1', 9)

    expect([first.resumed, second.resumed]).toEqual([false, true])
    expect(second.startedAt).toBe(5)
    expect(second.position('shard-1')).toEqual({ after: '800000000003126276362' })
    expect(second.position('shard-0')).toEqual({ finished: true })
  })

  it('do not carry over to another stream', async () => {
    await (await Checkpoints.open(file, 'arn:1', 5)).advance('shard-1', '7')

    const other = await Checkpoints.open(file, 'arn:2', 9)

    expect(other.resumed).toBe(false)
    expect(other.position('shard-1')).toBeUndefined()
  })

  it('end at the last state when many writes overlap, and leave no draft', async () => {
    const checkpoints = await Checkpoints.open(file, 'arn:1', 5)

    await Promise.all(Array.from({ length: 50 }, (_, i) => checkpoints.advance('shard-1', String(i))))

    expect(JSON.parse(await readFile(file, 'utf8')).shards).toEqual({ 'shard-1': { after: '49' } })
    expect(await readdir(join(folder, 'deep'))).toEqual(['mapping.json'])
  })

  it('forget shards that are gone', async () => {
    const checkpoints = await Checkpoints.open(file, 'arn:1', 5)
    await checkpoints.advance('old', '1')
    await checkpoints.advance('new', '2')

    await checkpoints.retain(new Set(['new']))

    expect((await Checkpoints.open(file, 'arn:1', 5)).position('old')).toBeUndefined()
  })

  it('refuse a damaged file instead of starting over', async () => {
    await Checkpoints.open(file, 'arn:1', 5)
    await writeFile(file, '{"streamArn":')

    await expect(Checkpoints.open(file, 'arn:1', 5)).rejects.toMatchObject({ code: 'streams.checkpoint' })
  })
})
