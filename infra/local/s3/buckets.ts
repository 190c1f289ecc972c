import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { codeOf } from '../../errors/thrown.ts'

/** What S3 answers to a call that it refuses. */
export class ObjectError extends Error {
  override readonly name = 'ObjectError'
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.status = status
    this.code = code
  }
}

export type StoredObject = { readonly key: string; readonly bytes: number; readonly modified: Date }

/** Files that are being written. */
const UNFINISHED = '.new'

/** Buckets as folders, objects as the files below them. Each method throws ObjectError as S3 would refuse it. */
export class Buckets {
  readonly #folders: ReadonlyMap<string, string>

  constructor(folders: ReadonlyMap<string, string>) {
    this.#folders = folders
  }

  /** In the order of the keys. */
  async list(bucket: string): Promise<readonly StoredObject[]> {
    const folder = this.#folder(bucket)
    const entries = await orAbsent(readdir(folder, { recursive: true, withFileTypes: true }))
    const files = (entries ?? []).filter((entry) => entry.isFile() && !entry.name.endsWith(UNFINISHED))
    const objects = await Promise.all(
      files.map(async ({ parentPath, name }): Promise<readonly StoredObject[]> => {
        const file = join(parentPath, name)
        const found = await orAbsent(stat(file))
        const key = relative(folder, file).split(sep).join('/')
        return found === undefined ? [] : [{ key, bytes: found.size, modified: found.mtime }]
      }),
    )
    return objects.flat().sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  async get(bucket: string, key: string): Promise<Buffer> {
    const bytes = await orAbsent(readFile(this.#file(bucket, key)))
    if (bytes === undefined) throw new ObjectError(404, 'NoSuchKey', 'The specified key does not exist.')
    return bytes
  }

  /** An object is there whole, or not at all. */
  async put(bucket: string, key: string, bytes: Buffer): Promise<void> {
    const file = this.#file(bucket, key)
    await mkdir(dirname(file), { recursive: true })
    const unfinished = `${file}.${randomUUID()}${UNFINISHED}`
    await writeFile(unfinished, bytes)
    await rename(unfinished, file)
  }

  /** To delete what is not there is no error. */
  async delete(bucket: string, key: string): Promise<void> {
    await rm(this.#file(bucket, key), { force: true })
  }

  #folder(bucket: string): string {
    const folder = this.#folders.get(bucket)
    if (folder === undefined)
      throw new ObjectError(404, 'NoSuchBucket', 'The specified bucket does not exist')
    return folder
  }

  #file(bucket: string, key: string): string {
    const folder = resolve(this.#folder(bucket))
    const file = resolve(folder, key)
    // A key such as `../x` is one as any other on AWS; here it would be somebody else's file.
    if (file.startsWith(folder + sep)) return file
    throw new ObjectError(400, 'InvalidURI', "Couldn't parse the specified URI.")
  }
}

const orAbsent = async <T>(reading: Promise<T>): Promise<T | undefined> => {
  try {
    return await reading
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(codeOf(error) ?? '')) return undefined
    throw error
  }
}
