import { describe, expect, it } from '@jest/globals'
import { InvokeError } from '../../../../functions/bridge/drivers/lambda/errors.ts'
import { Wake } from '../../../../functions/bridge/mirror/wake.ts'
import { defineEntity } from '../../../../functions/bridge/model/entity.ts'
import { normaliseApiEvent } from '../../../../functions/bridge/normalise/api.ts'
import { chefDefinition } from '../../../fixtures/entities/chef.ts'
import { httpApiEvent } from '../../fixtures/http-events.ts'

describe('the relay is woken', () => {
  const body = JSON.stringify({ firstName: 'Julia', lastName: 'Child' })
  const callOf = (method: string, mirrored = true) => {
    const chef = defineEntity({ ...chefDefinition, ...(mirrored && { mirror: {} }) })
    const path = method === 'POST' ? '/aurora/chefs' : '/aurora/chefs/7'
    const call = normaliseApiEvent(
      httpApiEvent(method, path, { body, headers: { 'content-type': 'application/json' } }),
      {
        ...{ entities: [chef], base: 'aurora', now: () => new Date(), newKey: () => 'k' },
      },
    )
    if (call === undefined) throw new TypeError('it is an HTTP event')
    return call
  }
  const woken = () => {
    const calls: string[] = []
    let at = 0
    let fault: Error | undefined
    const warned: unknown[] = []
    const wake = new Wake({
      relay: 'Relay',
      caller: {
        begin: async (name, event) => {
          calls.push(`${name} ${event}`)
          if (fault) throw fault
        },
      },
      log: { warn: (...said) => void warned.push(said) },
      now: () => at,
    })
    return {
      ...{ wake, calls, warned },
      pass: (ms: number): void => {
        at += ms
      },
      fail: (error: Error | undefined): void => {
        fault = error
      },
    }
  }

  it.each([
    ['POST', 201],
    ['PUT', 200],
    ['DELETE', 204],
  ])('behind a %s that is answered %d', async (method, statusCode) => {
    const { wake, calls } = woken()
    await wake.behind(callOf(method), { statusCode })
    expect(calls).toEqual(['Relay {"wokenBy":"chef"}'])
  })

  it.each([
    ['a read', callOf('GET'), 200],
    ['a write that is refused', callOf('PUT'), 409],
    ['a write of what is not mirrored', callOf('PUT', false), 200],
  ])('not behind %s', async (_, call, statusCode) => {
    const { wake, calls } = woken()
    await wake.behind(call, { statusCode })
    expect(calls).toEqual([])
  })

  it('not where it stays by itself', async () => {
    const calls: string[] = []
    const caller = { begin: async (name: string) => void calls.push(name) }
    await new Wake({ relay: undefined, caller, log: { warn: () => {} } }).behind(callOf('PUT'), {
      statusCode: 200,
    })
    expect(calls).toEqual([])
  })

  it('once a second: it looks for longer than that', async () => {
    const { wake, calls, pass } = woken()
    for (const ms of [0, 400, 500, 200]) {
      pass(ms)
      await wake.behind(callOf('PUT'), { statusCode: 200 })
    }
    expect(calls).toHaveLength(2)
  })

  it('behind the next write where that failed, which fails no answer', async () => {
    const { wake, calls, warned, fail } = woken()
    fail(new InvokeError('Relay', new Error('away')))
    await wake.behind(callOf('PUT'), { statusCode: 200 })
    fail(undefined)
    await wake.behind(callOf('PUT'), { statusCode: 200 })
    expect([calls.length, warned.length]).toEqual([2, 1])
  })
})
