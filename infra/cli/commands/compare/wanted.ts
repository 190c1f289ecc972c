import { readFile } from 'node:fs/promises'
import { type AddressedPath, addressesOf } from '../../../../functions/bridge/compare/addresses.ts'
import { type Asking, readMethodOf } from '../../../../functions/bridge/compare/compare-sides.ts'
import { parseHttpFile } from '../../../../functions/bridge/compare/http-file.ts'
import { BridgeError } from '../../../../functions/bridge/model/errors.ts'
import { entities } from '../../../../functions/entities/index.ts'
import { codeOf } from '../../../errors/thrown.ts'
import { CliError, usageError } from '../../conventions/errors.ts'
import { EXIT } from '../../conventions/exit-codes.ts'

export type CompareOptions = {
  readonly file?: string | undefined
  readonly name?: string | undefined
  readonly readsOnly?: boolean | undefined
  readonly repeat?: number | undefined
  readonly header: readonly string[]
  readonly url?: string | undefined
}

/** A request that is to be compared. */
export type Wanted = {
  readonly title: string
  readonly method: Asking['method']
  readonly headers: Readonly<Record<string, string>>
  readonly of: AddressedPath
}

/**
 * What is to be compared, all of it checked before anything is asked.
 *
 * @returns and how many requests of a file were passed over
 * @throws CliError with exit code 2 for what can't be read, 4 for what may change something
 */
export const wantedOf = async (
  args: readonly (string | undefined)[],
  options: CompareOptions,
): Promise<{ readonly wanted: readonly Wanted[]; readonly passedOver: number }> => {
  const headers = Object.fromEntries(options.header.map(headerOf))
  const given = args.filter((one) => one !== undefined)
  const [path, method = 'GET'] = given.toReversed()
  if (options.file === undefined) {
    if (path === undefined)
      throw usageError('nothing says what is compared', 'name a path, as in: backsync compare GET /chefs/17')
    return { wanted: [toWanted(method.toUpperCase(), path, headers)], passedOver: 0 }
  }
  if (path !== undefined) throw usageError('--file has the requests: no path goes with it')
  const all = inFile(options.file, await textOf(options.file))
  const named = options.name === undefined ? all : all.filter(({ name }) => name === options.name)
  if (named.length === 0)
    throw usageError(
      `${options.file} has no request${options.name === undefined ? '' : ` ${options.name}`}`,
      all.length === 0
        ? undefined
        : `it has ${all.map(({ name, line }) => name ?? `line ${line}`).join(', ')}`,
    )
  const reads =
    options.readsOnly === true ? named.filter(({ method: of }) => of === 'GET' || of === 'HEAD') : named
  const wanted = reads.map((one) => {
    const where = `${options.file}, line ${one.line}`
    const read = toWanted(one.method, one.url, { ...one.headers, ...headers }, where, one.name)
    if (one.body !== undefined) throw usageError(`${where}: a request that only reads has no body here`)
    return read
  })
  return { wanted, passedOver: named.length - reads.length }
}

const toWanted = (
  method: string,
  url: string,
  headers: Readonly<Record<string, string>>,
  where?: string,
  name?: string,
): Wanted => {
  const prefix = where === undefined ? '' : `${where}: `
  try {
    const read = readMethodOf(method)
    const of = addressesOf(url, entities)
    return { title: name ?? `${read} ${of.paths.facade}`, method: read, headers, of }
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error
    const isWrite = error.code === 'compare.not-a-read'
    throw new CliError({
      code: error.code,
      message: `${prefix}${error.message}`,
      exit: isWrite ? EXIT.refused : EXIT.usage,
      hint: isWrite
        ? 'nothing was asked; with --file --reads-only such requests are passed over'
        : 'nothing was asked',
    })
  }
}

const inFile = (file: string, text: string) => {
  try {
    return parseHttpFile(text)
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error
    throw usageError(`${file}, ${error.message}`, 'nothing was asked')
  }
}

const textOf = async (file: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw usageError(`${file} can't be read: ${codeOf(error) ?? String(error)}`)
  }
}

const headerOf = (text: string): readonly [string, string] => {
  const { name, value } = /^(?<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*(?<value>.*)$/.exec(text)?.groups ?? {}
  if (name === undefined || value === undefined)
    throw usageError(`--header ${JSON.stringify(text)} is none`, "write it as 'Authorization: Bearer …'")
  return [name.toLowerCase(), value]
}
