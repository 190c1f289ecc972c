import { toProblem } from '../../bridge/api/serve.ts'
import { openDynamo } from '../../bridge/drivers/dynamo/client.ts'
import { readJson } from '../../bridge/http/body.ts'
import { encodeCursor, invalidCursor, readPageRequest } from '../../bridge/http/paging.ts'
import { notFound } from '../../bridge/http/problem.ts'
import { type HttpRequest, readHttpEvent } from '../../bridge/http/request.ts'
import { type HttpResponse, jsonResponse, noContent, problemResponse } from '../../bridge/http/response.ts'
import { methodNotAllowed } from '../../bridge/normalise/api.ts'
import { readConfig, settings } from '../../bridge/runtime/config.ts'
import { Deadline, type InvocationContext } from '../../bridge/runtime/deadline.ts'
import { LambdaLog } from '../../bridge/runtime/log.ts'
import { UnknownEventError } from '../../bridge/runtime/unknown-event.ts'
import { readUser } from './user.ts'
import { readUserQuery } from './user-query.ts'
import { UsersByCity } from './users-by-city.ts'
import { UsersTable } from './users-table.ts'

const { TABLES } = readConfig(settings.tables, process.env)
const deadline = new Deadline()
const log = new LambdaLog('users')
const client = openDynamo()
const users = new UsersTable(client, TABLES.of('users'), deadline)
const usersByCity = new UsersByCity(client, TABLES.of('users-by-city'), deadline)

/**
 * Serves `/users` and `/users/{email}`. The table's stream takes each write to the table that is kept by it, and that one
 * answers for a state's or a city's users.
 */
export const handler = async (event: unknown, context: InvocationContext): Promise<HttpResponse> => {
  deadline.begin(context)
  log.begin(context.awsRequestId)
  const request = readHttpEvent(event)
  if (request === undefined) throw new UnknownEventError()
  try {
    return await answer(request)
  } catch (error) {
    return problemResponse(toProblem(error, log), request.path, context.awsRequestId)
  }
}

/** Nothing is written unless the whole request is valid. A prefix before `users` is passed over. */
const answer = async (request: HttpRequest): Promise<HttpResponse> => {
  const { segments, method } = request
  const [email, ...rest] = segments.slice(segments.indexOf('users') + 1)
  if (!segments.includes('users') || rest.length > 0) throw notFound('There is nothing at this path.')
  if (email === undefined) {
    if (method === 'GET') return list(request)
    if (method !== 'POST') throw methodNotAllowed(method, ['GET', 'POST'])
    const user = readUser(readJson(request))
    await users.put(user)
    return jsonResponse(201, user, { location: `${request.path}/${encodeURIComponent(user.email)}` })
  }
  const unknown = notFound('There is no user with this e-mail address.')
  switch (method) {
    case 'GET': {
      const user = isKey(email) ? await users.get(email) : undefined
      if (user === undefined) throw unknown
      return jsonResponse(200, user)
    }
    case 'DELETE':
      if (!isKey(email) || !(await users.remove(email))) throw unknown
      return noContent()
    default:
      throw methodNotAllowed(method, ['GET', 'DELETE'])
  }
}

/** A page of `{ items, cursor }`, as every list of the API has it. */
const list = async ({ query }: HttpRequest): Promise<HttpResponse> => {
  const wanted = readUserQuery(query)
  const { limit, position } = readPageRequest(query)
  if (position !== undefined && !isCity(position)) throw invalidCursor()
  const { items, next } = await usersByCity.list(wanted, limit, position)
  return jsonResponse(200, { items, ...(next !== undefined && { cursor: encodeCursor(next) }) })
}

/** A sort key has at most 1,024 bytes. */
const isCity = (position: string): boolean => position !== '' && Buffer.byteLength(position) <= 1024

/** DynamoDB refuses an empty key and one of more than 2,048 bytes: no user has such an address. */
const isKey = (email: string): boolean => email !== '' && Buffer.byteLength(email) <= 2048
