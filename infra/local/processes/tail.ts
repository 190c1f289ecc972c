import { open } from 'node:fs/promises'
import { hasCode } from './identity.ts'

/** The last lines of a file, at most so many bytes of it; empty when there is no file. */
export const readTail = async (path: string, maxBytes: number): Promise<string> => {
  try {
    const file = await open(path, 'r')
    try {
      const { size } = await file.stat()
      const start = Math.max(0, size - maxBytes)
      const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start)
      return buffer.toString('utf8', 0, bytesRead).trimEnd()
    } finally {
      await file.close()
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return ''
    throw error
  }
}
