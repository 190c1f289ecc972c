import { exampleUser } from '../../functions/sample/users/user.ts'
import type { Extension } from '../constructs/extension.ts'
import { UsersApi } from './users-api.ts'

/** Users: a table that another one is kept by, written and read behind routes of their own. */
const users: Extension = (scope, { settings, tables, api, code, output }) => {
  const { function: handler } = new UsersApi(scope, 'UsersApi', {
    settings,
    tables,
    code: code('functions/sample/users/handler.ts'),
  })
  api.serve('Users', handler, {
    '/users': { methods: ['GET', 'POST'], example: exampleUser, query: ['state', 'city'] },
    '/users/{email}': { methods: ['GET', 'DELETE'], example: exampleUser },
  })
  output('UsersUrl', `${api.url}/users`, 'The users, whose table another one is kept by')
}

/** The sample's part of infra/extensions.ts. */
export const sampleExtensions: readonly Extension[] = [users]
