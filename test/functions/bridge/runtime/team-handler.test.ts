import { describe, expect, it } from '@jest/globals'
import { answering, type TeamHandler } from '../../../../functions/bridge/runtime/team-handler.ts'

const call = (team: TeamHandler) => answering(team)({ a: 1 }, { awsRequestId: 'r' })
const contextOf = (context: object, name: string): ((...of: unknown[]) => void) => Reflect.get(context, name)

describe('a handler that was written for an older runtime', () => {
  it.each<[string, TeamHandler]>([
    ['its promise', async (event) => ({ event })],
    ['what it returns', (event) => ({ event })],
    ['a callback', (event, _, callback) => void setTimeout(() => callback(null, { event }), 1)],
    ['the succeed of its context', (event, context) => contextOf(context, 'succeed')({ event })],
    ['the done of its context', (event, context) => contextOf(context, 'done')(null, { event })],
    [
      'a callback, from a function that is async',
      async (event, _, callback) => {
        await null
        callback(null, { event })
        return new Promise(() => undefined)
      },
    ],
  ])('answers by %s', async (_, team) => {
    expect(await call(team)).toEqual({ event: { a: 1 } })
  })

  it.each<[string, TeamHandler]>([
    [
      'throws',
      () => {
        throw new RangeError('no')
      },
    ],
    [
      'rejects',
      async () => {
        throw new RangeError('no')
      },
    ],
    ['tells the callback', (_, __, callback) => callback(new RangeError('no'))],
    ['tells the callback a text', (_, __, callback) => callback('no')],
    ['fails by its context', (_, context) => contextOf(context, 'fail')('no')],
  ])('fails where it %s', async (_, team) => {
    await expect(call(team)).rejects.toThrow('no')
  })

  it('answers nothing where it returns nothing and takes no callback', async () => {
    expect(await call(() => undefined)).toBeUndefined()
  })
})
