import { UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { fc, test } from '@fast-check/jest'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type CopyParts, type CopyProgress, runCopy } from '../../../../functions/bridge/copy/copy.ts'
import { planCopy } from '../../../../functions/bridge/copy/copy-plan.ts'
import { requireComplete } from '../../../../functions/bridge/copy/copy-report.ts'
import { type CopyRequest, CopyRequestError } from '../../../../functions/bridge/copy/copy-request.ts'
import { MissingTableError } from '../../../../functions/bridge/drivers/dynamo/describe.ts'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { keySchema } from '../../../../functions/bridge/drivers/dynamo/key-schema.ts'
import { RateLimiter } from '../../../../functions/bridge/drivers/dynamo/rate-limiter.ts'
import { JobBusyError, JobChangedError } from '../../../../functions/bridge/jobs/jobs.ts'
import { decodeItem, sameValue } from '../../../../functions/bridge/model/values.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { arbitraryItem } from '../../../support/arbitrary-item.ts'
import { runs } from '../../../support/runs.ts'
import { first, losingAnswers, withFaults } from '../jobs/faulty-dynamo.ts'
import { deadlineIn, idsOf, itemsOf, type JobTables, openJobTables, readAll } from '../jobs/job-tables.ts'
import { planAndCopy } from './plan-and-copy.ts'

let tables: JobTables
beforeAll(async () => {
  tables = await openJobTables()
})
afterAll(() => tables.close())

/** Two tables with these items, and a copy of the one into the other. */
const openCopy = async (source: readonly Item[], destination: readonly Item[] = []) => {
  const [from, to] = [await tables.create(), await tables.create()]
  await tables.put(from, source)
  await tables.put(to, destination)
  const request: CopyRequest = {
    sourceTableName: from,
    destinationTableName: to,
    cleanupDestinationTable: true,
    migrate: true,
  }
  const parts = (more: Partial<CopyParts> = {}): CopyParts => ({
    clients: { source: tables.client, destination: tables.client },
    jobs: tables.jobs(),
    deadline: new Deadline(),
    by: 'a test',
    ...more,
  })
  return {
    from,
    to,
    request,
    parts,
    run: (change: Partial<CopyRequest> = {}, more: Partial<CopyParts> = {}) =>
      planAndCopy({ ...request, ...change }, parts(more)),
    read: () => readAll(tables.client, to),
  }
}
const strangers: Item[] = Array.from({ length: 40 }, (_, n) => ({ id: { S: `stranger-${n}` } }))
const sorted = (items: readonly Item[]): Item[] =>
  items.toSorted((a, b) => ((a.id?.S ?? '') < (b.id?.S ?? '') ? -1 : 1))

describe('a copy', () => {
  it('empties the destination, copies, and compares', async () => {
    const { run, read } = await openCopy(itemsOf(130), strangers)
    const seen: CopyProgress[] = []
    const report = await run({}, { onProgress: (progress) => seen.push(progress) })

    expect(report).toMatchObject({
      cleaned: 40,
      copied: 130,
      source: { items: 130 },
      destination: { items: 130, checksum: report.source?.checksum },
      equal: true,
      refused: [],
      refusedItems: 0,
      done: true,
    })
    expect(sorted(await read())).toEqual(sorted(itemsOf(130)))
    expect([...new Set(seen.map(({ step }) => step))]).toEqual(['cleanup', 'migrate', 'verify'])
    expect(seen.at(-1)).toMatchObject({ tally: { items: 130 }, expected: 130 })
    expect(requireComplete(report, { job: 'copy' })).toBe(report)
  })

  it('without clean-up leaves what is there, and says how many each has', async () => {
    const { run, read } = await openCopy(itemsOf(30), strangers)
    const report = await run({ cleanupDestinationTable: false })

    expect(report).toMatchObject({
      copied: 30,
      source: { items: 30 },
      destination: { items: 70 },
      equal: false,
      done: true,
    })
    expect(report.cleaned).toBeUndefined()
    expect(await read()).toHaveLength(70)
    expect(() => requireComplete(report, { job: 'copy' })).not.toThrow()
  })

  it('without migration only empties', async () => {
    const { run, read } = await openCopy(itemsOf(30), strangers)
    const report = await run({ migrate: false })

    expect(report).toEqual({
      cleaned: 40,
      destination: { items: 0, checksum: '0'.repeat(32) },
      refused: [],
      refusedItems: 0,
      done: true,
    })
    expect(await read()).toEqual([])
  })

  it('starts anew when it is done', async () => {
    const { run, read, from } = await openCopy(itemsOf(30))
    const before = await run()
    await tables.put(from, [{ id: { S: 'item-3' }, changed: { BOOL: true } }, { id: { S: 'later' } }])
    const after = await run()

    expect(before).toMatchObject({ cleaned: 0, copied: 30 })
    expect(after).toMatchObject({ cleaned: 30, copied: 31, equal: true })
    expect(await read()).toContainEqual({ id: { S: 'item-3' }, changed: { BOOL: true } })
  })

  it('of an empty table is an empty table', async () => {
    const { run } = await openCopy([], strangers)

    expect(await run()).toMatchObject({ cleaned: 40, copied: 0, equal: true, done: true })
  })

  it('with composite keys of numbers and binary', async () => {
    const key = keySchema(
      { partition: { name: 'n', type: 'N' }, sort: { name: 'select', type: 'B' } },
      'test',
    )
    const [from, to] = [await tables.create(key), await tables.create(key)]
    const items = Array.from(
      { length: 60 },
      (_, at): Item => ({
        n: { N: String(at % 7) },
        select: { B: Uint8Array.of(at, 255 - at) },
        a: { N: '12345678901234567890123456789012345678' },
      }),
    )
    await tables.put(from, items, key)
    await tables.put(
      to,
      items.slice(0, 3).map((item) => ({ ...item, a: { S: 'old' } })),
      key,
    )
    const { parts, request } = await openCopy([])
    const report = await planAndCopy({ ...request, sourceTableName: from, destinationTableName: to }, parts())

    expect(report).toMatchObject({ cleaned: 3, copied: 60, equal: true })
  })

  test.prop([fc.uniqueArray(arbitraryItem, { maxLength: 12, selector: ({ id }) => id?.S ?? '' })], {
    ...runs(6, { short: 2 }),
  })('passes every type on as it is', async (items) => {
    const { run, read } = await openCopy(items)
    const report = await run({ segments: 2 })
    const found = sorted(await read())

    expect(report.equal).toBe(true)
    expect(found).toHaveLength(items.length)
    for (const [at, item] of sorted(items).entries())
      expect(sameValue(decodeItem(found[at] ?? {}, 'found'), decodeItem(item, 'item'))).toBe(true)
  })

  it('tells one changed digit of 38', async () => {
    const number = '12345678901234567890123456789012345678'
    const { run, to } = await openCopy(itemsOf(20, { amount: { N: number } }))
    const before = await run()
    await tables.client.send(
      new UpdateItemCommand({
        TableName: to,
        Key: { id: { S: 'item-7' } },
        UpdateExpression: 'SET amount = :amount',
        ExpressionAttributeValues: { ':amount': { N: number.replace(/8$/, '9') } },
      }),
    )
    // A copy of the changed one shows what its sum is now.
    const other = await openCopy(await readAll(tables.client, to))
    const changed = await other.run()

    expect(changed.source?.items).toBe(before.source?.items)
    expect(changed.source?.checksum).not.toBe(before.source?.checksum)
  })

  it('keeps to its rate', async () => {
    let time = 0
    const limiter = new RateLimiter({
      maxRate: 40,
      now: () => time,
      sleep: async (milliseconds) => {
        time += milliseconds
      },
    })
    const { run } = await openCopy(itemsOf(200))
    await run({ cleanupDestinationTable: false, segments: 2 }, { limiter })

    // 200 are read for the copy and 200 for the check; the last pages are paid by nobody.
    expect(time).toBeGreaterThan(((400 - 30) / 40) * 1_000)
    expect(time).toBeLessThan(((400 + 60) / 40) * 1_000)
  })
})

describe('refused before anything is written', () => {
  const expectUntouched = async (work: Promise<unknown>, read: () => Promise<Item[]>, error: object) => {
    await expect(work).rejects.toMatchObject(error)
    expect(await read()).toHaveLength(strangers.length)
  }

  it('a table into itself', async () => {
    const { run, to, read } = await openCopy(itemsOf(3), strangers)

    await expectUntouched(run({ sourceTableName: to }), read, {
      code: 'copy.same-table',
      kind: 'configuration',
    })
  })

  it('a missing table', async () => {
    const { run, read } = await openCopy(itemsOf(3), strangers)

    await expectUntouched(run({ sourceTableName: 'no-such-table' }), read, { code: 'table.missing' })
    await expect(run({ destinationTableName: 'no-such-table' })).rejects.toThrow(MissingTableError)
  })

  it.each([
    ['another name', keySchema({ partition: 'key' }, 'test')],
    ['another type', keySchema({ partition: { name: 'id', type: 'N' } }, 'test')],
    ['one attribute more', keySchema({ partition: 'id', sort: 'at' }, 'test')],
  ])('a key with %s', async (_, key) => {
    const { run, read } = await openCopy(itemsOf(3), strangers)

    await expectUntouched(run({ sourceTableName: await tables.create(key) }), read, {
      code: 'copy.key-schema',
    })
  })

  it('nothing to do', async () => {
    const { run, read } = await openCopy(itemsOf(3), strangers)

    await expectUntouched(run({ cleanupDestinationTable: false, migrate: false }), read, {
      code: 'copy.request',
    })
    await expect(run({ cleanupDestinationTable: false, migrate: false })).rejects.toThrow(CopyRequestError)
  })

  it.each([
    ['that isn’t active', { TableStatus: 'UPDATING' }, 'copy.table-not-active'],
    ['that is being restored', { RestoreSummary: { RestoreInProgress: true } }, 'copy.restoring'],
    ['that is a replica of the source', { Replicas: [{ RegionName: 'eu-west-1' }] }, 'copy.same-table'],
  ])('a table %s', async (_, described, code) => {
    const { parts, request, read } = await openCopy(itemsOf(3), strangers)
    // What no emulator does: the description is the real one, but for this.
    const describing = (more: (name: string) => object) => {
      const client = losingAnswers(0, '')
      client.middlewareStack.add(
        (next, { commandName }) =>
          async (args) => {
            const answer = await next(args)
            if (commandName === 'DescribeTableCommand')
              Object.assign(Object(answer.output).Table, more('table'))
            return answer
          },
        { step: 'initialize', name: 'describe' },
      )
      return client
    }
    const arn = (region: string) => `arn:aws:dynamodb:${region}:123456789012:table/orders`
    const replica = 'Replicas' in described
    const source = describing(() =>
      replica ? { ...described, TableArn: arn('us-east-1'), TableId: '1' } : {},
    )
    const destination = describing(() =>
      replica ? { ...described, TableArn: arn('eu-west-1'), TableId: '2' } : described,
    )
    await expectUntouched(planAndCopy(request, parts({ clients: { source, destination } })), read, { code })
    source.destroy()
    destination.destroy()
  })

  it('while another one copies between these tables', async () => {
    const { run, parts, request, read } = await openCopy(itemsOf(3), strangers)
    const { job, spec } = await planCopy(request, parts().clients, parts())
    const lease = await tables
      .jobs()
      .take({ job, kind: 'copy', spec, segments: 8, step: 'cleanup', by: 'another' })

    await expectUntouched(run(), read, { code: 'job.busy' })
    await expect(run()).rejects.toThrow(JobBusyError)
    await lease.end('stopped')
    await expectUntouched(run({ cleanupDestinationTable: false }), read, { code: 'job.changed' })
    await expect(run({ cleanupDestinationTable: false })).rejects.toThrow(JobChangedError)
    expect(await run({ cleanupDestinationTable: false }, { restart: true })).toMatchObject({
      copied: 3,
      done: true,
    })
  })
})

describe('a plan', () => {
  it('says what would be done, and does nothing', async () => {
    const { request, parts, from, to, read } = await openCopy(itemsOf(3), strangers)
    const plan = await planCopy(request, parts().clients, parts())

    expect(plan).toMatchObject({
      job: `copy:${from}->${to}`,
      steps: ['cleanup', 'migrate', 'verify'],
      destinationInUse: true,
      source: { name: from, status: 'ACTIVE', key: { partition: { name: 'id', type: 'S' } } },
    })
    expect(await read()).toHaveLength(40)
    expect(await tables.jobs().read(plan.job)).toBeUndefined()
    const empty = await openCopy([])
    expect(await planCopy(empty.request, parts().clients, parts())).toMatchObject({ destinationInUse: false })
  })

  it('names the job by ARNs where a region is given', async () => {
    const { request, parts } = await openCopy([])
    const plan = await planCopy({ ...request, destinationRegion: 'eu-west-1' }, parts().clients, parts())

    expect(plan.job).toBe(`copy:${plan.source.arn}->${plan.destination.arn}`)
    expect(plan.source.arn).toMatch(/^arn:aws:dynamodb:/)
  })
})

describe('a plan that was shown is the plan that runs', () => {
  /** A client that describes tables otherwise than they are, as soon as it is told to. */
  const openDescribing = (change: object) => {
    const client = losingAnswers(0, '')
    let told = false
    client.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          const answer = await next(args)
          if (told && commandName === 'DescribeTableCommand')
            Object.assign(Object(answer.output).Table, change)
          return answer
        },
      { step: 'initialize', name: 'describe' },
    )
    return {
      client,
      tell: () => {
        told = true
      },
    }
  }
  const expectRefused = async (
    { read, parts }: Pick<Awaited<ReturnType<typeof openCopy>>, 'read' | 'parts'>,
    running: Promise<unknown>,
    { job }: { readonly job: string },
    error: object,
    left: number,
  ) => {
    await expect(running).rejects.toMatchObject({ kind: 'configuration', ...error })
    expect(await read()).toHaveLength(left)
    expect(await parts().jobs.read(job)).toBeUndefined()
  }

  it('not with a source or a destination that was made anew in between', async () => {
    for (const side of ['from', 'to'] as const) {
      const { request, parts, read, ...names } = await openCopy(itemsOf(3), side === 'to' ? [] : strangers)
      const plan = await planCopy(request, parts().clients, parts())
      await tables.recreate(names[side])

      await expectRefused(
        { read, parts },
        runCopy(plan, parts()),
        plan,
        { code: 'copy.changed', message: expect.stringContaining(names[side]) },
        side === 'to' ? 0 : strangers.length,
      )
    }
  })

  it('not with a destination that was empty and has got items, which nobody was asked about', async () => {
    const { request, parts, read, to } = await openCopy(itemsOf(3))
    const plan = await planCopy(request, parts().clients, parts())
    await tables.put(to, strangers)

    await expectRefused(
      { read, parts },
      runCopy(plan, parts()),
      plan,
      { code: 'copy.changed' },
      strangers.length,
    )
    // What is planned now knows of them.
    expect(await runCopy(await planCopy(request, parts().clients, parts()), parts())).toMatchObject({
      cleaned: strangers.length,
      equal: true,
    })
  })

  it.each([
    ['a table that is being restored', { RestoreSummary: { RestoreInProgress: true } }, 'copy.restoring'],
    ['a table that is being deleted', { TableStatus: 'DELETING' }, 'copy.table-not-active'],
    [
      'a replica of the source',
      { TableArn: 'arn:aws:dynamodb:eu-west-1:123456789012:table/orders', TableId: '2' },
      'copy.same-table',
    ],
  ])('not with a destination that has become %s', async (_, change, code) => {
    const { request, parts, read } = await openCopy(itemsOf(3), strangers)
    const destination = openDescribing(change)
    const source = openDescribing({
      TableArn: 'arn:aws:dynamodb:us-east-1:123456789012:table/orders',
      TableId: '1',
      Replicas: [{ RegionName: 'eu-west-1' }],
    })
    const clients = { source: source.client, destination: destination.client }
    const plan = await planCopy(request, clients, parts())
    destination.tell()
    if (code === 'copy.same-table') source.tell()

    await expectRefused({ read, parts }, runCopy(plan, parts({ clients })), plan, { code }, strangers.length)
    source.client.destroy()
    destination.client.destroy()
  })
})

describe('a copy that is interrupted', () => {
  it.each(['cleanup', 'migrate', 'verify'] as const)(
    'during %s goes on there, and repeats no page',
    async (step) => {
      const { run, read } = await openCopy(itemsOf(400), strangers)
      const controller = new AbortController()
      const stopped = await run(
        { segments: 4 },
        {
          concurrency: 1,
          signal: controller.signal,
          onProgress: (progress) => {
            if (progress.step === step) controller.abort(new Error('Ctrl-C'))
          },
        },
      )
      expect(stopped.done).toBe(false)
      expect(() => requireComplete(stopped, { job: 'copy' })).toThrow('the same event goes on')
      const steps = new Set<string>()
      const report = await run({ segments: 4 }, { onProgress: (progress) => steps.add(progress.step) })

      expect(report).toMatchObject({ cleaned: 40, copied: 400, equal: true, done: true })
      expect(await read()).toHaveLength(400)
      const all = ['cleanup', 'migrate', 'verify']
      expect([...steps]).toEqual(all.slice(all.indexOf(step)))
    },
  )

  it('by the end of its time says so, and the same request goes on', async () => {
    const { run } = await openCopy(itemsOf(50), strangers)
    const report = await run({}, { deadline: deadlineIn(4_000) })

    expect(report).toMatchObject({ cleaned: 0, copied: 0, done: false })
    expect(await run()).toMatchObject({ cleaned: 40, copied: 50, equal: true })
  })

  it('by an error notes it with the job, and goes on the next time', async () => {
    const { run, parts, request } = await openCopy(itemsOf(50), strangers)
    const client = losingAnswers(0, '')
    client.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          if (commandName === 'BatchWriteItemCommand' && JSON.stringify(args.input).includes('PutRequest'))
            throw Object.assign(new Error('not yours'), { name: 'AccessDeniedException' })
          return next(args)
        },
      { step: 'initialize', name: 'deny' },
    )
    const failing = run({}, { clients: { source: tables.client, destination: client } })
    await expect(failing).rejects.toMatchObject({
      code: 'dynamodb.AccessDeniedException',
      kind: 'configuration',
    })
    client.destroy()
    const { job } = await planCopy(request, parts().clients, parts())

    expect(await tables.jobs().read(job)).toMatchObject({
      state: 'failed',
      step: 'migrate',
      message: 'DynamoError: BatchWriteItem: AccessDeniedException',
    })
    expect(await run()).toMatchObject({ cleaned: 40, copied: 50, equal: true })
  })

  it('by somebody who took the job over stops with it', async () => {
    const { run, parts, request } = await openCopy(itemsOf(50))
    const { job, spec } = await planCopy(request, parts().clients, parts())
    const later = tables.jobs({ now: () => Date.now() + 120_000 })
    let taken = false
    const running = run(
      {},
      {
        concurrency: 1,
        onProgress: () => {
          if (taken) return
          taken = true
          later
            .take({ job, kind: 'copy', spec, segments: 8, step: 'cleanup', by: 'another' })
            .then((lease) => lease.leave())
            .catch(() => {
              taken = false
            })
        },
      },
    )

    await expect(running).rejects.toThrow(JobBusyError)
    expect(await tables.jobs().read(job)).toMatchObject({ by: 'another', state: 'running' })
  })
})

describe('a copy that DynamoDB holds back', () => {
  it.each([
    ['throttled scans', 'Scan', 'throttle'],
    ['throttled batches', 'BatchWriteItem', 'throttle'],
    ['half done batches', 'BatchWriteItem', 'partial'],
  ] as const)('loses nothing: %s', async (_, operation, kind) => {
    const { run, read } = await openCopy(itemsOf(150), strangers)
    await withFaults(first(6, operation, kind), async (client, proxy) => {
      const report = await run({ segments: 2 }, { clients: { source: client, destination: client } })

      expect(proxy.faults).toBe(6)
      expect(report).toMatchObject({ cleaned: 40, copied: 150, equal: true, refused: [], done: true })
    })
    expect(idsOf(await read())).toEqual(idsOf(itemsOf(150)))
  })

  it('loses nothing when answers are lost', async () => {
    const { run } = await openCopy(itemsOf(150), strangers)
    const client = losingAnswers(4, 'BatchWriteItemCommand')
    const report = await run({}, { clients: { source: client, destination: client } })
    client.destroy()

    expect(client.lost()).toBe(4)
    expect(report).toMatchObject({ copied: 150, equal: true })
  })

  it('reports what it refuses, with the others copied, also after a resumption', async () => {
    const items = itemsOf(60).map((item, n) => (n === 7 ? { ...item, poison: { BOOL: true } } : item))
    const { run, read } = await openCopy(items)
    await withFaults(
      ({ operation, body }) =>
        operation === 'BatchWriteItem' && body.includes('poison') ? 'refuse' : 'none',
      async (client) => {
        const controller = new AbortController()
        const clients = { source: tables.client, destination: client }
        await run(
          {},
          {
            clients,
            signal: controller.signal,
            onProgress: ({ step }) => step === 'verify' && controller.abort(),
          },
        )
        const report = await run({}, { clients })

        expect(report).toMatchObject({
          copied: 59,
          source: { items: 60 },
          destination: { items: 59 },
          equal: false,
          refused: [{ key: '{"id":"item-7"}', why: 'ValidationException: The item is not to my taste' }],
          refusedItems: 1,
        })
        expect(() => requireComplete(report, { job: 'copy' })).toThrow('item-7')
        expect(await read()).toHaveLength(59)
      },
    )
  })
})
