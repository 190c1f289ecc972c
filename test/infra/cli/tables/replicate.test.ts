import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { jsonLines } from '../harness.ts'
import { openTestTableStack, type TestTableStack, usersOf } from './harness.ts'

describe('backsync replicate', () => {
  let stack: TestTableStack
  beforeAll(async () => {
    stack = await openTestTableStack()
    await stack.put(stack.tables.users ?? '', usersOf(10))
  }, 60_000)
  afterAll(() => stack.close())

  it('fills a replica, shows where it stands, and compares it', async () => {
    const filled = await stack.run(['replicate', 'fill', 'users-by-city', '--json'])
    expect([filled.code, JSON.parse(filled.stdout)]).toEqual([
      0,
      expect.objectContaining({
        name: 'users-by-city',
        kind: 'replicate',
        items: 10,
        applied: 10,
        parked: 0,
      }),
    ])
    const [item] = await stack.ground.all(stack.tables['users-by-city'] ?? '')
    expect(item).not.toHaveProperty('zipcode')

    const { code, stdout } = await stack.run(['replicate', 'status', '--verify', '--json'])
    expect([code, jsonLines(stdout)]).toEqual([
      0,
      [expect.objectContaining({ name: 'users-by-city', state: 'filled', nextSteps: [], percent: 100 })],
    ])
  })

  it('counts those whose place another one has, and says what to look at', async () => {
    const [user] = usersOf(1)
    await stack.put(stack.tables.users ?? '', [{ ...user, email: { S: 'second@example.com' } }])

    const filled = await stack.run(['replicate', 'fill', 'users-by-city', '--again'])
    expect(filled.code).toBe(3)
    expect(filled.stdout).toMatch(/^parked +1$/m)

    const status = await stack.run(['replicate', 'status', 'users-by-city', '--verify'])
    expect(status.code).toBe(3)
    expect(status.stdout).toMatch(
      /^users-by-city: 1 differs \(1 parked; 11 items of users, 10 of users-by-city\)\n.*\nparked, place taken .*second@example.com/m,
    )
    expect(status.stdout).toMatch(/npx backsync parked list --entity users-by-city$/m)
  })
})
