import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { DynamoError } from '../../../../functions/bridge/drivers/dynamo/errors.ts'
import { DeadlineError } from '../../../../functions/bridge/model/errors.ts'
import { DynamoParking } from '../../../../functions/bridge/parking/dynamo-parking.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { bad, openTestParking, settings, T1, T2, T3, type TestParking } from './harness.ts'

type Fault = (command: string) => 'none' | 'throttled' | 'answer lost'

describe('parking under faults', () => {
  let test: TestParking
  const clients: DynamoDBClient[] = []
  beforeAll(async () => {
    test = await openTestParking()
  })
  afterAll(async () => {
    for (const client of clients) client.destroy()
    await test.close()
  })

  /** A store whose calls meet faults; the SDK repeats nothing, so that what repeats is ours. */
  const faulty = (fault: Fault, maxAttempts = 1): DynamoParking => {
    const client = new DynamoDBClient({ ...settings, maxAttempts })
    clients.push(client)
    client.middlewareStack.add(
      (next, { commandName = '' }) =>
        async (args) => {
          const kind = fault(commandName)
          if (kind === 'throttled')
            throw Object.assign(new Error('slow down'), { name: 'ThrottlingException' })
          const answer = await next(args)
          if (kind === 'answer lost') throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
          return answer
        },
      { step: 'deserialize', priority: 'high', name: 'fault' },
    )
    return test.open(client)
  }
  /** The first so many calls of a command meet a fault. */
  const first = (count: number, command: string, kind: ReturnType<Fault>): Fault & { met(): number } => {
    let met = 0
    const fault = (name: string) => {
      if (name !== command || met >= count) return 'none'
      met += 1
      return kind
    }
    return Object.assign(fault, { met: () => met })
  }
  const head = async (key: string) => (await test.parking.parkedOf('chef')).get(key)

  it.each(['BatchGetItemCommand', 'TransactWriteItemsCommand'])(
    'throttled at %s parks in the end, once',
    async (command) => {
      const fault = first(3, command, 'throttled')
      await faulty(fault).park([bad(command, 1n)], T1)

      expect(fault.met()).toBe(3)
      expect(await head(command)).toMatchObject({ attempts: 1 })
    },
  )

  it('throttled at a query reads in the end', async () => {
    await test.parking.park([bad('query', 1n)], T1)
    expect((await faulty(first(3, 'QueryCommand', 'throttled')).parkedOf('chef')).has('query')).toBe(true)
  })

  it('reads what DynamoDB left unread of a batch', async () => {
    const keys = Array.from({ length: 30 }, (_, n) => `unread-${n}`)
    await test.parking.park(
      keys.map((key) => bad(key, 1n, { waitsFor: [{ entity: 'unread', key: 'one' }] })),
      T1,
    )
    const client = new DynamoDBClient({ ...settings, maxAttempts: 1 })
    clients.push(client)
    let batches = 0
    client.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          const answer = await next(args)
          if (commandName !== 'BatchGetItemCommand') return answer
          batches += 1
          // Of each batch but the last few, the second half is left.
          const output = Object(answer.output)
          const found: { pk: unknown; sk: unknown }[] = output.Responses[test.table]
          const left = found.splice(Math.ceil(found.length / 2)).map(({ pk, sk }) => ({ pk, sk }))
          output.UnprocessedKeys = left.length > 0 ? { [test.table]: { Keys: left } } : {}
          return answer
        },
      { step: 'initialize', name: 'leaveHalf' },
    )

    expect(await test.open(client).waitingFor('unread', ['one'])).toHaveLength(30)
    expect(batches).toBeGreaterThan(3)
  })

  it('gives up after a bounded number of repeats, and says what it was', async () => {
    const always = first(Number.POSITIVE_INFINITY, 'TransactWriteItemsCommand', 'throttled')
    const failure = faulty(always).park([bad('never', 1n)], T1)

    await expect(failure).rejects.toThrow(DynamoError)
    await expect(failure).rejects.toMatchObject({ kind: 'transient', code: 'dynamodb.ThrottlingException' })
    expect(always.met()).toBe(5)
    expect(await head('never')).toBeUndefined()
  })

  it('of several changes parks those that it can', async () => {
    // One that always fails, by what is sent.
    const client = new DynamoDBClient({ ...settings, maxAttempts: 1 })
    clients.push(client)
    client.middlewareStack.add(
      (next) => async (args) => {
        if (JSON.stringify(args.input).includes('one-bad'))
          throw Object.assign(new Error('no'), { name: 'AccessDeniedException' })
        return next(args)
      },
      { step: 'initialize', name: 'refuse' },
    )
    await test.parking.park([bad('one-good', 1n)], T1)
    const changes = [...Array.from({ length: 60 }, (_, n) => bad(`several-${n}`, 1n)), bad('one-bad', 1n)]

    await expect(test.open(client).park(changes, T1)).rejects.toMatchObject({ kind: 'configuration' })
    const parked = [...(await test.parking.parkedOf('chef')).keys()].filter((key) =>
      key.startsWith('several-'),
    )
    expect(parked.length).toBeGreaterThanOrEqual(50)
  })

  it.each([1, 3])('an answer lost %i times at a park leaves one attempt and one payload', async (count) => {
    const key = `lost-${count}`
    const fault = first(count, 'TransactWriteItemsCommand', 'answer lost')
    await faulty(fault).park([bad(key, 1n)], T1)

    expect(fault.met()).toBe(count)
    expect(await head(key)).toMatchObject({ attempts: 1 })
    expect(
      [...(await test.items()).keys()].filter((id) => id.startsWith(`payload#chef#${key} `)),
    ).toHaveLength(1)
  })

  it('an answer lost at a park over an older one leaves the second attempt', async () => {
    await test.parking.park([bad('lost-over', 1n)], T1)
    await faulty(first(1, 'TransactWriteItemsCommand', 'answer lost')).park([bad('lost-over', 2n)], T2)

    expect(await head('lost-over')).toMatchObject({ version: 2n, attempts: 2 })
  })

  it('an answer lost at a resolution is still an end', async () => {
    await test.parking.park([bad('lost-end', 1n)], T1)
    const fault = first(1, 'TransactWriteItemsCommand', 'answer lost')

    expect(
      await faulty(fault).resolve(
        { entity: 'chef', key: 'lost-end' },
        { upTo: { version: 1n }, how: 'applied', at: T2 },
      ),
    ).toBe(true)
    expect(fault.met()).toBe(1)
    expect(await head('lost-end')).toBeUndefined()
  })

  it('a transaction that arrives after the invocation was given up changes nothing that is newer', async () => {
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let sending = (): void => {}
    const sent = new Promise<void>((resolve) => {
      sending = resolve
    })
    const client = new DynamoDBClient({ ...settings, maxAttempts: 1 })
    clients.push(client)
    client.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          if (commandName === 'TransactWriteItemsCommand') {
            sending()
            await held
          }
          return next(args)
        },
      { step: 'finalizeRequest', name: 'hold' },
    )
    const zombie = test.open(client).park([bad('zombie', 5n)], T1)
    await sent
    await test.parking.park([bad('zombie', 5n)], T1)
    await test.parking.resolve(
      { entity: 'chef', key: 'zombie' },
      { upTo: { version: 6n }, how: 'superseded', at: T2 },
    )
    const before = await test.items()
    release()
    await zombie

    expect(await test.items()).toEqual(before)
  })

  it('starts no call when the invocation is about to end', async () => {
    const deadline = new Deadline()
    deadline.begin({ awsRequestId: 'r', getRemainingTimeInMillis: () => 520 })
    const late = new DynamoParking({ client: test.client, table: test.table, deadline })

    await expect(late.park([bad('late', 1n)], T3)).rejects.toThrow(DeadlineError)
    await expect(late.parkedOf('chef')).rejects.toThrow(DeadlineError)
    expect(await head('late')).toBeUndefined()
  })

  it('without its table is a fault of the set-up', async () => {
    const homeless = new DynamoParking({ client: test.client, table: 'nowhere', deadline: new Deadline() })

    await expect(homeless.parkedOf('chef')).rejects.toMatchObject({ kind: 'configuration' })
    await expect(homeless.park([bad('1', 1n)], T1)).rejects.toMatchObject({ kind: 'configuration' })
  })
})
