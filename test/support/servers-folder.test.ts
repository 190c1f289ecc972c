import { statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { describe, expect, it } from '@jest/globals'
import { serversFolders } from './servers-folder.ts'

describe('the folders of test servers', () => {
  it('are two, and what a former run has left is looked for in both, wherever the next one is', async () => {
    expect([...(await serversFolders())].sort()).toEqual(['/dev/shm', tmpdir()].sort())
  })

  it('begin with one that is there', async () => {
    const [first] = await serversFolders()
    expect((await statfs(first)).bavail).toBeGreaterThan(0)
  })
})
