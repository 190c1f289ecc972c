import type { IncomingMessage } from 'node:http'

/** API Gateway's limit on a request's body, bytes. */
const BODY_LIMIT = 10 * 1024 * 1024

/** Reads a request's body; undefined when it is over the limit, whose rest is read and thrown away. */
export const readBody = async (
  request: IncomingMessage,
  limit: number = BODY_LIMIT,
): Promise<Buffer | undefined> => {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    const piece: Buffer = chunk
    bytes += piece.length
    if (bytes <= limit) chunks.push(piece)
  }
  return bytes > limit ? undefined : Buffer.concat(chunks)
}
