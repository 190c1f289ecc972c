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
  for (const note of stack.notes) lines.push(note)
  if (wantedPort !== 0 && stack.port !== wantedPort)
    lines.push(`port ${wantedPort} is taken: using ${stack.port}`)
  lines.push(
    `MySQL      ${stack.endpoints.mysql}  ${stack.servers.mysql}`,
    `DynamoDB   ${stack.endpoints.dynamodb}  ${stack.servers.dynamodb}`,
    `Data API   ${stack.endpoints.rdsData}`,
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

/** One `curl` per method, with a path and a body that the route's function takes where the template has an example. */
const commands = (url: string, { method, path, usage }: RunningRoute): string[] => {
  const target = `'${url}${path.replaceAll(/\{([^}]*)\}/g, (_, name: string) => parameter(usage?.example?.[name]))}'`
  const methods = usage?.methods ?? (method === 'ANY' || method === '$default' ? ['GET'] : [method])
  return methods.map((verb) => {
    const command = verb === 'GET' ? `curl ${target}` : `curl -X ${verb} ${target}`
    if (!BODIES.has(verb) || usage?.example === undefined) return command
    const body = JSON.stringify(usage.example).replaceAll("'", "'\\''")
    return `${command} -H 'content-type: application/json' -d '${body}'`
  })
}

const parameter = (example: unknown): string =>
  typeof example === 'string' ? encodeURIComponent(example).replaceAll("'", '%27') : '<id>'

const BODIES = new Set(['POST', 'PUT', 'PATCH'])
