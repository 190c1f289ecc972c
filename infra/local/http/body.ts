import type { IncomingMessage } from 'node:http'

/** How much of an oversized body is read and thrown away, so that the client, still sending, gets to see the answer. */
const DRAIN_FACTOR = 16

/** Bytes of the request's head as they came over the wire: request line and headers. */
const headBytes = ({ method = '', url = '', rawHeaders }: IncomingMessage): number =>
  rawHeaders.reduce((sum, text) => sum + text.length + 2, method.length + url.length + 14)

/**
 * Reads a request's body.
 *
 * @param limit in bytes, of headers and body together
 * @returns `undefined` when the request is larger than the limit
 * @throws when the client breaks off, or sends more than 16 times the limit
 */
export const readBody = async (request: IncomingMessage, limit: number): Promise<Buffer | undefined> => {
  const chunks: Buffer[] = []
  let size = headBytes(request)
  for await (const chunk of request) {
    // Without a set encoding, a request's stream yields buffers only.
    const bytes = chunk as Buffer
    size += bytes.length
    if (size <= limit) chunks.push(bytes)
    else if (size > limit * DRAIN_FACTOR)
      throw new Error(`request of more than ${limit * DRAIN_FACTOR} bytes`)
    else chunks.length = 0
  }
  return size > limit ? undefined : Buffer.concat(chunks)
}
