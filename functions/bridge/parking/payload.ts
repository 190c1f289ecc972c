import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { PayloadTooLargeError } from './errors.ts'

/** The largest part, in bytes: an item holds 400 KB, names and keys included. */
const LARGEST_PART = 350 * 1024
/**
 * The largest payload, in bytes after compression: it is written in one transaction, which takes 4 MiB, with its head.
 * A stream record has two images of at most 400 KB each; as JSON its bytes grow by a third (base64) or by escapes, and
 * compression takes most of either back, so this is more than twice what can come.
 */
const LARGEST_PAYLOAD = 3.5 * 1024 * 1024

/**
 * Compresses a payload and cuts it into what items can hold.
 *
 * @throws PayloadTooLargeError
 */
export const pack = async (entity: string, payload: string): Promise<readonly Uint8Array[]> => {
  const bytes = await promisify(gzip)(payload)
  if (bytes.length > LARGEST_PAYLOAD)
    throw new PayloadTooLargeError({ entity, bytes: bytes.length, most: LARGEST_PAYLOAD })
  const parts: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += LARGEST_PART) parts.push(bytes.subarray(at, at + LARGEST_PART))
  return parts
}

/** Puts the parts together again. */
export const unpack = async (parts: readonly Uint8Array[]): Promise<string> =>
  (await promisify(gunzip)(Buffer.concat(parts))).toString('utf8')
