import type { IncomingMessage } from 'node:http'

/** How much of an oversized body is read and thrown away, so that the client, still sending, gets to see the answer. */
const DRAIN_FACTOR = 16

/** Bytes of the request's head as they came over the wire: request line and headers. */
const headBytes = ({ method = '', url = '', rawHeaders }: IncomingMessage): number =>
  rawHeaders.reduce((sum, text) => sum + text.length + 2, method.length + url.length + 14)

/**
 * Reads a request's body. By events and not by iteration, which costs as much as the rest of a small call's reading.
 *
 * @param limit in bytes, of headers and body together
 * @returns `undefined` when the request is larger than the limit
 * @throws when the client breaks off, or sends more than 16 times the limit
 */
export const readBody = (request: IncomingMessage, limit: number): Promise<Buffer | undefined> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = headBytes(request)
    if (request.destroyed) return reject(new Error('the client broke off'))
    // Without a set encoding, a request's stream yields buffers only.
    request.on('data', (bytes: Buffer) => {
      size += bytes.length
      if (size <= limit) chunks.push(bytes)
      else if (size > limit * DRAIN_FACTOR)
        request.destroy(new Error(`request of more than ${limit * DRAIN_FACTOR} bytes`))
      else chunks.length = 0
    })
    request.on('end', () => {
      const [only] = chunks
      if (size > limit) resolve(undefined)
      else resolve(chunks.length === 1 && only ? only : Buffer.concat(chunks))
    })
    request.on('error', reject)
    request.on('close', () => {
      if (!request.readableEnded) reject(new Error('the client broke off'))
    })
  })
