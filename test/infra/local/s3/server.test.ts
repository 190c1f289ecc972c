import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { openTestFailures, type TestFailures } from '../../../support/failures.ts'

/** Asked by the SDK as it is: what it can't read fails here. */
describe('the local S3', () => {
  let failures: TestFailures
  beforeEach(async () => {
    failures = await openTestFailures()
  })
  afterEach(() => failures.close())

  const put = (Key: string, Body: string) =>
    failures.client.send(new PutObjectCommand({ Bucket: failures.name, Key, Body }))
  const get = async (Key: string) => {
    const { Body } = await failures.client.send(new GetObjectCommand({ Bucket: failures.name, Key }))
    return Body?.transformToString()
  }
  const list = (more: { Prefix?: string; MaxKeys?: number; ContinuationToken?: string } = {}) =>
    failures.client.send(new ListObjectsV2Command({ Bucket: failures.name, ...more }))

  it('gives back what was put, under keys that a URL has to escape', async () => {
    const keys = ['plain', 'with space/and+plus', 'per%cent', 'ä&<>"#?', 'a/b/c.json']
    for (const key of keys) await put(key, `text of ${key}`)

    for (const key of keys) expect(await get(key)).toBe(`text of ${key}`)
    const { Contents = [] } = await list()
    expect(Contents.map(({ Key }) => Key)).toEqual([...keys].sort())
    expect(Contents[0]?.Size).toBe(Buffer.byteLength(`text of ${Contents[0]?.Key}`))
    expect(Contents[0]?.LastModified).toBeInstanceOf(Date)
  })

  it('lists page by page what is below a prefix', async () => {
    for (const key of ['x/1', 'x/2', 'x/3', 'y/1']) await put(key, '.')
    const first = await list({ Prefix: 'x/', MaxKeys: 2 })
    const second = await list({
      Prefix: 'x/',
      MaxKeys: 2,
      ...(first.NextContinuationToken && { ContinuationToken: first.NextContinuationToken }),
    })

    expect(first.Contents?.map(({ Key }) => Key)).toEqual(['x/1', 'x/2'])
    expect([first.IsTruncated, second.IsTruncated]).toEqual([true, false])
    expect(second.Contents?.map(({ Key }) => Key)).toEqual(['x/3'])
  })

  it('is empty before the first object', async () => {
    expect((await list()).Contents).toBeUndefined()
  })

  it('copies, and deletes also what is not there', async () => {
    await put('from/an object+1', 'body')
    await failures.client.send(
      new CopyObjectCommand({
        Bucket: failures.name,
        Key: 'to/it',
        CopySource: `${failures.name}/from/${encodeURIComponent('an object+1')}`,
      }),
    )
    for (const Key of ['from/an object+1', 'from/an object+1', 'never'])
      await failures.client.send(new DeleteObjectCommand({ Bucket: failures.name, Key }))

    expect(await get('to/it')).toBe('body')
    await expect(get('from/an object+1')).rejects.toMatchObject({ name: 'NoSuchKey' })
  })

  it('refuses by the names that AWS has', async () => {
    await expect(get('nothing')).rejects.toMatchObject({ name: 'NoSuchKey' })
    await expect(failures.client.send(new ListObjectsV2Command({ Bucket: 'another' }))).rejects.toMatchObject(
      { name: 'NoSuchBucket' },
    )
  })

  it('leaves files outside of a bucket alone', async () => {
    await writeFile(join(failures.folder, '..', 'secret'), 'not yours')
    const answers = ['%2e%2e%2fsecret', '..%2Fsecret', 'a%2F..%2F..%2Fsecret'].map((path) =>
      fetch(`${failures.endpoint}/${failures.name}/${path}`),
    )
    for (const answer of await Promise.all(answers)) {
      expect(answer.status).toBe(400)
      expect(await answer.text()).not.toContain('not yours')
    }
  })

  it('shows no file that is not whole yet', async () => {
    await mkdir(failures.folder, { recursive: true })
    await writeFile(join(failures.folder, 'half.new'), '{')
    expect((await list()).Contents).toBeUndefined()
  })
})
