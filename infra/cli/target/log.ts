import { inspect } from 'node:util'
import type { Log } from '../../../functions/bridge/runtime/log.ts'
import type { Io } from '../conventions/io.ts'

type Fields = Readonly<Record<string, unknown>>

/**
 * The bridge's log on stderr. Warnings are a line each, for they say why something takes its time; all the rest comes
 * with `--debug` only: commands say by themselves what they did.
 */
export const stderrLog = (io: Io, debug: boolean): Log => {
  const whole =
    (level: string) =>
    (message: string, fields: Fields = {}): void => {
      if (debug)
        io.stderr.write(`${level} ${message} ${inspect(fields, { breakLength: Number.POSITIVE_INFINITY })}\n`)
    }
  const brief = (message: string, { entity, error }: Fields = {}): void => {
    const parts = [message, entity, error instanceof Error ? error.message : undefined]
    io.stderr.write(`${parts.filter((part) => part !== undefined).join(': ')}\n`)
  }
  return { info: whole('info'), warn: debug ? whole('warn') : brief, error: whole('error') }
}
