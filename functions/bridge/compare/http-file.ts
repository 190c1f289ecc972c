import { BridgeError } from '../model/errors.ts'

/** A request as a file has it. */
export type FileRequest = {
  /** By `# @name`, or what stands behind its `###`. */
  readonly name?: string
  readonly method: string
  /** As it was written, variables put in: a path, or a whole address. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Where its first line is, from 1 on. */
  readonly line: number
}

/** A file of requests that can't be read: which line, and why. */
export class HttpFileError extends BridgeError {
  override readonly name = 'HttpFileError'
  readonly code = 'compare.file'
  readonly kind = 'client'

  constructor(line: number, why: string) {
    super(`line ${line}: ${why}`)
  }
}

type Line = { readonly text: string; readonly number: number }
type Variables = ReadonlyMap<string, string>

const NAME = /^(?:#|\/\/)\s*@name\s+(?<name>\S.*)$/
const VARIABLE = /^@(?<name>[A-Za-z_][\w-]*)\s*=\s*(?<value>.*)$/
const REQUEST = /^(?:(?<method>[A-Za-z]+)\s+)?(?<url>[^\s]\S*)(?:\s+HTTP\/[\d.]+)?$/
const HEADER = /^(?<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*:\s*(?<value>.*)$/

/**
 * Reads a file of HTTP requests, of the form that editors run: requests between lines of `###`, each a line of method and address,
 * headers, and behind an empty line a body; `@name = value` for the whole file and `{{name}}` where it stands; `# @name` for a
 * request's own. Lines that begin with `#` or `//` before a body are remarks, and an address may go on in lines that begin with `?` or `&`.
 *
 * @throws HttpFileError for what it doesn't know, so that nothing is asked that was meant otherwise
 */
export const parseHttpFile = (text: string): readonly FileRequest[] => {
  const lines = text.split(/\r?\n/).map((one, at): Line => ({ text: one, number: at + 1 }))
  const variables = new Map<string, string>()
  const requests = blocksOf(lines).flatMap((block) => requestOf(block, variables) ?? [])
  const twice = requests.find(
    ({ name }, at) => name !== undefined && requests.findIndex((one) => one.name === name) < at,
  )
  if (twice !== undefined) throw new HttpFileError(twice.line, `another request is called ${twice.name}, too`)
  return requests
}

type Block = { readonly title: string; readonly lines: readonly Line[] }

const blocksOf = (lines: readonly Line[]): readonly Block[] => {
  const blocks: { title: string; lines: Line[] }[] = [{ title: '', lines: [] }]
  for (const line of lines)
    if (line.text.startsWith('###')) blocks.push({ title: line.text.replace(/^#+/, '').trim(), lines: [] })
    else blocks.at(-1)?.lines.push(line)
  return blocks
}

/** @param variables those of the file so far; the block's are added */
const requestOf = ({ title, lines }: Block, variables: Map<string, string>): FileRequest | undefined => {
  let name = title
  let at = 0
  for (; at < lines.length; at++) {
    const { text, number } = lines[at] ?? { text: '', number: 0 }
    const own = NAME.exec(text.trim())?.groups?.name
    const variable = VARIABLE.exec(text.trim())?.groups
    if (own !== undefined) name = own.trim()
    else if (variable?.name !== undefined)
      variables.set(variable.name, withVariables(variable.value ?? '', number, variables).trim())
    else if (text.trim() !== '' && !isRemark(text)) break
  }
  const first = lines[at]
  if (first === undefined) return undefined
  const { url, method = 'GET', next } = requestLine(lines, at, variables)
  const { headers, next: behind } = headersOf(lines, next, variables)
  const body = bodyOf(lines.slice(behind), variables)
  return {
    ...(name !== '' && { name }),
    ...{ method: method.toUpperCase(), url, headers, line: first.number },
    ...(body !== '' && { body }),
  }
}

const requestLine = (lines: readonly Line[], at: number, variables: Variables) => {
  const first = lines[at] ?? { text: '', number: 0 }
  let next = at + 1
  let whole = first.text.trim()
  for (; /^\s*[?&]/.test(lines[next]?.text ?? ''); next++) whole += (lines[next]?.text ?? '').trim()
  const { method, url } = REQUEST.exec(withVariables(whole, first.number, variables))?.groups ?? {}
  if (url === undefined || !/^(?:\/|https?:\/\/)/.test(url))
    throw new HttpFileError(first.number, 'expected a request, such as GET /chefs/17')
  return { url, next, ...(method !== undefined && { method }) }
}

const headersOf = (lines: readonly Line[], from: number, variables: Variables) => {
  const headers: Record<string, string> = {}
  let next = from
  for (; next < lines.length; next++) {
    const { text, number } = lines[next] ?? { text: '', number: 0 }
    if (text.trim() === '') break
    if (isRemark(text)) continue
    const { name, value = '' } = HEADER.exec(text.trim())?.groups ?? {}
    if (name === undefined)
      throw new HttpFileError(number, 'expected a header, such as Accept: application/json, or an empty line')
    headers[name.toLowerCase()] = withVariables(value, number, variables)
  }
  return { headers, next }
}

const bodyOf = (lines: readonly Line[], variables: Variables): string => {
  for (const { text, number } of lines)
    if (/^\s*(?:[<>]\s|[<>] ?\{%)/.test(text))
      throw new HttpFileError(number, 'files and scripts in a request are not known here')
  return lines
    .map(({ text, number }) => withVariables(text, number, variables))
    .join('\n')
    .trim()
}

const isRemark = (text: string): boolean => /^\s*(?:#|\/\/)/.test(text)

const withVariables = (text: string, line: number, variables: Variables): string =>
  text.replaceAll(/\{\{\s*(.*?)\s*\}\}/g, (_, name: string) => {
    const value = variables.get(name)
    if (value === undefined) throw new HttpFileError(line, `nothing says what {{${name}}} is`)
    return value
  })
