import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'

/** A line of progress for the person at the terminal. */
export type Log = (line: string) => void

/** A log that is only ever appended to; it is opened at the first line. */
export type LogFile = { write(text: string): void; close(): Promise<void> }

/**
 * @param report hears once if the file can't be written (a full disk): a log must not stop what it watches
 */
export const openLogFile = (path: string, report: Log): LogFile => {
  let stream: WriteStream | undefined
  const open = (): WriteStream => {
    const opened = createWriteStream(path, { flags: 'a' })
    opened.once('error', (error) => report(`cannot write ${path}: ${error.message}`))
    return opened
  }
  return {
    write(text) {
      stream ??= open()
      stream.write(text.endsWith('\n') ? text : `${text}\n`)
    },
    async close() {
      if (!stream || stream.destroyed) return
      const closed = once(stream, 'close')
      stream.end()
      await closed
    },
  }
}
