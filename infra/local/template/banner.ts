import { join } from 'node:path'
import type { LocalStack } from '../stack.ts'
import type { RunningRoute } from './run.ts'

/**
 * What a person reads when the stack is ready: each route with commands to paste, where things are, and the time that
 * it took.
 *
 * @param wantedPort the one that was asked for, to say when another one is used
 */
export const banner = (stack: LocalStack, wantedPort: number): string => {
  const lines = ['']
  for (const route of stack.routes) {
    lines.push(`${route.usage?.methods.join(', ') ?? route.method} ${route.path}  (${route.functionName})`)
    for (const command of commands(stack.url, route)) lines.push(`  ${command}`)
  }
  lines.push('')
  if (isEmpty(stack.routes)) lines.push('no entity yet: README.md says what to do next', '')
  for (const note of stack.notes) lines.push(note)
  if (wantedPort !== 0 && stack.port !== wantedPort)
    lines.push(`port ${wantedPort} is taken: using ${stack.port}`)
  lines.push(
    `MySQL      ${stack.endpoints.mysql}  ${stack.servers.mysql}`,
    `DynamoDB   ${stack.endpoints.dynamodb}  ${stack.servers.dynamodb}`,
    `Data API   ${stack.endpoints.rdsData}`,
    `Lambda     ${stack.endpoints.lambda}`,
    `data       ${stack.home}`,
    `logs       ${join(stack.home, 'logs')}`,
    ...(stack.inspector === undefined
      ? []
      : [`inspector  ${stack.inspector}  for chrome://inspect or an editor; nothing times out`]),
    '',
    `${stack.url}  ready in ${stack.ready.toFixed(1)} s`,
  )
  return lines.join('\n')
}

/** Whether it is a stack of ours that serves nothing of a team's yet: each of its entities has an example. */
const isEmpty = (routes: readonly RunningRoute[]): boolean =>
  routes.some(({ usage }) => usage !== undefined) && routes.every(({ usage }) => usage?.example === undefined)

/** One `curl` per method, with a path and a body that the route's function takes where the template has an example. */
const commands = (url: string, { method, path, usage }: RunningRoute): string[] => {
  const filled = path.replaceAll(/\{([^}]*)\}/g, (_, name: string) => parameter(usage?.example?.[name]))
  const target = (query: string): string => `'${url}${filled}${query}'`
  const methods = usage?.methods ?? (method === 'ANY' || method === '$default' ? ['GET'] : [method])
  return methods.map((verb) => {
    const command = verb === 'GET' ? `curl ${target(queryOf(usage))}` : `curl -X ${verb} ${target('')}`
    if (!BODIES.has(verb) || usage?.example === undefined) return command
    const body = JSON.stringify(usage.example).replaceAll("'", "'\\''")
    return `${command} -H 'content-type: application/json' -d '${body}'`
  })
}

/** `?state=WA&city=Seattle`, of a list that is asked for by fields of the example. */
const queryOf = (usage: RunningRoute['usage']): string => {
  const given = usage?.query?.map((name) => `${name}=${parameter(usage.example?.[name])}`) ?? []
  return given.length === 0 ? '' : `?${given.join('&')}`
}

const parameter = (example: unknown): string =>
  typeof example === 'string' ? encodeURIComponent(example).replaceAll("'", '%27') : '<id>'

const BODIES = new Set(['POST', 'PUT', 'PATCH'])
