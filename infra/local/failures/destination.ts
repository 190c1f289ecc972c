import { randomUUID } from 'node:crypto'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Discard } from '../streams/deliver.ts'
import { type DiscardOrigin, invocationRecord } from './record.ts'

/** A bucket or queue that takes what a mapping gives up: a folder with one JSON file per delivery. */
export type FailureDestination = {
  readonly name: string
  readonly folder: string
  /** @returns the file's path, once the file is complete */
  deliver(discard: Discard, origin: DiscardOrigin & { readonly mappingUuid: string }): Promise<string>
}

/**
 * @param kind a bucket receives the records as well (`payload`, the whole event) and names its files as
 *   on AWS; a queue receives only where they stood in the stream
 */
export const failureDestination = (
  kind: 'bucket' | 'queue',
  name: string,
  folder: string,
  now: () => number = Date.now,
): FailureDestination => ({
  name,
  folder,
  async deliver(discard, origin) {
    const at = now()
    const body = invocationRecord(discard, origin, at)
    const content = kind === 'bucket' ? { ...body, payload: { Records: discard.records } } : body
    const file = join(folder, kind === 'bucket' ? objectKey(origin, at) : `${at}-${randomUUID()}.json`)
    await mkdir(dirname(file), { recursive: true })
    const temporary = `${file}.new`
    await writeFile(temporary, JSON.stringify(content, null, 2))
    await rename(temporary, file)
    return file
  },
})

/** `aws/lambda/<mapping>/<shard>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<uuid>`, and an extension for the reader here. */
const objectKey = (origin: { mappingUuid: string; shardId: string }, at: number): string => {
  const time = new Date(at).toISOString()
  const day = time.slice(0, 10).replaceAll('-', '/')
  const stamp = time.slice(0, 19).replaceAll(':', '.')
  return `aws/lambda/${origin.mappingUuid}/${origin.shardId}/${day}/${stamp}-${randomUUID()}.json`
}
