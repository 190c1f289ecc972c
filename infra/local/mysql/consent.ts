import { createInterface } from 'node:readline/promises'
import { MysqlError } from './errors.ts'

/** What a start would change on a server that somebody else runs. */
export type DatabaseChanges = {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly databases: readonly string[]
  /** Sentences for a person; one at least. */
  readonly changes: readonly string[]
}

/** Agrees to the changes by returning. @throws MysqlError when they are not agreed to: none of them is made then */
export type Consent = (changes: DatabaseChanges) => Promise<void>

export type Asking = {
  /** It was agreed to beforehand, by `--yes`. */
  readonly yes: boolean
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean }
  /** Gives up waiting for an answer. */
  readonly signal: AbortSignal
}

/** For a caller that was given no word on it: whoever runs that server has to be asked. */
export const noConsent: Consent = async (changes) => {
  throw new MysqlError(
    'mysql.cannot-ask',
    `${describe(changes)}\n\nNobody agreed to it: nothing was changed.`,
  )
}

/**
 * Says what would be changed, and where, and asks on the terminal.
 *
 * @throws MysqlError `mysql.cannot-ask` where there is no terminal, `mysql.declined`; an AbortError by the signal
 */
export const askConsent = async (
  changes: DatabaseChanges,
  { yes, input, output, signal }: Asking,
): Promise<void> => {
  const text = describe(changes)
  if (yes) {
    output.write(`${text}\n`)
    return
  }
  if (input.isTTY !== true || output.isTTY !== true)
    throw new MysqlError(
      'mysql.cannot-ask',
      `${text}\n\nThere is no terminal to ask on, so nothing was changed. To agree to it, type:\n\n  npm start -- --yes`,
    )
  output.write(`${text}\n\n`)
  const asking = createInterface({ input, output })
  const gone = new AbortController()
  // Ctrl-C, and the end of the input: nobody will answer.
  asking.once('SIGINT', () => gone.abort()).once('close', () => gone.abort())
  try {
    const answer = await asking
      .question('Go on? [y/N] ', { signal: AbortSignal.any([signal, gone.signal]) })
      .catch((error: unknown) => {
        output.write('\n')
        signal.throwIfAborted()
        if (gone.signal.aborted) return ''
        throw error
      })
    if (!/^\s*y(es)?\s*$/i.test(answer))
      throw new MysqlError('mysql.declined', 'Not agreed to: nothing was changed.')
  } finally {
    asking.close()
  }
}

const describe = ({ host, port, user, databases, changes }: DatabaseChanges): string => {
  const place = `database ${databases.join(', ')} at ${host}:${port}, as ${user}`
  return `MYSQL_URL: ${place}. This start would\n\n${changes.map((change) => `  - ${change}`).join('\n')}`
}
