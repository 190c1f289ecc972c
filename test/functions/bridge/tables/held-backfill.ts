import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { RateLimiter } from '../../../../functions/bridge/drivers/dynamo/rate-limiter.ts'
import type { SegmentProgress } from '../../../../functions/bridge/jobs/jobs.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { backfill } from '../../../../functions/bridge/tables/backfill.ts'
import type { Projection } from '../../../../functions/bridge/tables/projection.ts'
import type { TestTables } from '../../../support/dynamo-tables.ts'
import { startFaultProxy, type Verdict } from '../../../support/fault-proxy.ts'
import type { KeptTables } from '../../../support/kept-tables.ts'
import { until } from '../../../support/until.ts'
import type { Clock } from './simulated-source.ts'

/** The scan's pages have two items. */
const PAGE_RATE = 8

/**
 * A backfill that goes no further than the test lets it: each of its calls waits until it is released. When it is
 * crashed, its calls are cut off and yet reach DynamoDB, once the test lets these ghosts go.
 */
export type HeldBackfill = {
  /** Calls that wait now. */
  waiting(): number
  /** Lets one call go on, or fail. Does nothing when the backfill is at its end. */
  step(pick: number, verdict: Verdict): Promise<void>
  /** Ends the process in the midst of its work; the next step begins it again where its notes say. */
  crash(): Promise<void>
  /** Lets one call of a crashed run reach DynamoDB, or all of them. */
  releaseGhost(pick?: number): Promise<void>
  ghosts(): number
  /** Lets all go on to the end, and the ghosts at last. */
  finish(): Promise<void>
  close(): Promise<void>
}

type Held = { readonly settle: (verdict: Verdict) => void }
type Run = { readonly deadline: Deadline; readonly over: Promise<void>; ended: boolean; failure?: unknown }

export const holdBackfill = async (
  {
    ground,
    kept,
    projection,
    clock,
    segments,
  }: {
    readonly ground: TestTables
    readonly kept: KeptTables
    readonly projection: Projection
    readonly clock: Clock
    readonly segments: number
  },
  tamper: (client: DynamoDBClient) => void,
): Promise<HeldBackfill> => {
  const held: Held[] = []
  const ghosts: PromiseWithResolvers<void>[] = []
  let free = false
  const proxy = await startFaultProxy(ground.endpoint, ({ operation }) => {
    if (free) return 'pass'
    const { promise, resolve } = Promise.withResolvers<Verdict>()
    held.push({
      // Only a transaction knows conflicts.
      settle: (verdict) =>
        resolve(verdict === 'conflict' && operation !== 'TransactWriteItems' ? 'throttle' : verdict),
    })
    return promise
  })
  const client = ground.through(proxy.endpoint)
  tamper(client)
  if (segments === 1) scanPlainly(client)
  const progress = new Map<number, SegmentProgress>()
  let run: Run | undefined

  const begin = (): Run => {
    const deadline = new Deadline()
    const sync = kept.parts({ client, deadline, now: () => new Date(clock.now()) })
    const work = backfill({
      projection,
      sync,
      segments,
      concurrency: segments,
      // Only for the size of its pages: the simulation's time is not the limiter's.
      limiter: new RateLimiter({ maxRate: PAGE_RATE, sleep: async () => {} }),
      deadline,
      lease: {
        progress: [...progress.values()],
        save: async (segment) => {
          if (deadline.remaining() > 0) progress.set(segment.segment, segment)
        },
      },
    })
    const next: Run = {
      deadline,
      ended: false,
      over: work.then(
        () => {
          next.ended = true
        },
        (failure: unknown) => {
          next.ended = true
          next.failure = failure
        },
      ),
    }
    return next
  }
  const isComplete = (): boolean =>
    progress.size === segments && [...progress.values()].every(({ done }) => done)

  /** Until something waits to be released, or there is nothing to wait for. */
  const settled = (): Promise<void> =>
    until('the backfill goes on', 20_000, () => held.length > 0 || run?.ended !== false)

  const current = (): Run | undefined => {
    if (run?.ended === true) {
      const { failure, deadline } = run
      run = undefined
      // What its crash has caused is as it should be.
      if (failure !== undefined && deadline.remaining() > 0) throw failure
    }
    if (run === undefined && !isComplete()) run = begin()
    return run
  }
  const releaseGhost = async (pick?: number): Promise<void> => {
    const going = pick === undefined ? ghosts.splice(0) : ghosts.splice(pick % Math.max(1, ghosts.length), 1)
    for (const { resolve } of going) resolve()
    await until('the ghosts are gone', 10_000, () => proxy.late() <= ghosts.length)
  }
  return {
    waiting: () => held.length,
    ghosts: () => ghosts.length,
    step: async (pick, verdict) => {
      if (current() === undefined) return
      await settled()
      const [one] = held.splice(pick % Math.max(1, held.length), 1)
      const pending = proxy.pending()
      one?.settle(verdict)
      if (one !== undefined)
        await until('the call is over', 10_000, () => proxy.pending() < pending || held.length > 0)
    },
    crash: async () => {
      if (run === undefined || run.ended) return
      await settled()
      run.deadline.begin({ awsRequestId: 'crash', getRemainingTimeInMillis: () => 0 })
      while (!run.ended) {
        for (const { settle } of held.splice(0)) {
          const ghost = Promise.withResolvers<void>()
          ghosts.push(ghost)
          settle({ late: ghost.promise })
        }
        await settled()
      }
    },
    releaseGhost,
    finish: async () => {
      free = true
      while (current() !== undefined) {
        for (const { settle } of held.splice(0)) settle('pass')
        await run?.over
      }
      await releaseGhost()
    },
    close: async () => {
      free = true
      for (const { settle } of held.splice(0)) settle('drop')
      for (const { resolve } of ghosts.splice(0)) resolve()
      run?.deadline.begin({ awsRequestId: 'close', getRemainingTimeInMillis: () => 0 })
      await run?.over
      await until('all calls are over', 10_000, () => proxy.pending() === 0)
      await proxy.close()
    },
  }
}

/**
 * dynoxide 1.2.1 takes a segment's end to be there where the item of its start key has been deleted, also where the one
 * segment is the whole table. Without segments it reads on, as DynamoDB does in both cases.
 */
const scanPlainly = (client: DynamoDBClient): void =>
  client.middlewareStack.add(
    (next, { commandName }) =>
      (args) => {
        if (commandName !== 'ScanCommand') return next(args)
        return next({ ...args, input: { ...args.input, Segment: undefined, TotalSegments: undefined } })
      },
    { step: 'initialize' },
  )
