import { describe, expect, it } from '@jest/globals'
import validate from 'asl-validator'
import * as z from 'zod'
import { templateOf } from '../fixtures/synthesise.ts'
import { definitionIn, execute, type Invoke } from '../fixtures/workflow.ts'

const template = templateOf()
const request = {
  sourceTableName: 'a',
  destinationTableName: 'b',
  cleanupDestinationTable: true,
  migrate: true,
}

const payloadSchema = z.looseObject({
  operation: z.string(),
  request: z.unknown(),
  step: z.string().optional(),
  segment: z.number().optional(),
})
type Payload = z.infer<typeof payloadSchema>
type Plan = { cleanup: number; migrate: number; verify?: number }

/** A function that plans so many segments and answers each call for one by `segment`. */
const scripted = (
  plan: Plan,
  segment: (payload: Payload) => Record<string, unknown> = () => ({ done: true }),
) => {
  const calls: Payload[] = []
  const segments = (step: keyof Plan) => {
    const length = plan[step] ?? 0
    return Array.from({ length }, (_, segment) => ({ step, segment, segments: length }))
  }
  const invoke: Invoke = async (received) => {
    const payload = payloadSchema.parse(received)
    calls.push(payload)
    if (payload.operation === 'plan')
      return {
        request: { ...request, token: 't1' },
        cleanup: segments('cleanup'),
        migrate: segments('migrate'),
        verify: segments('verify'),
      }
    if (payload.operation === 'conclude') return { done: true, equal: true }
    return { ...payload, ...segment(payload) }
  }
  const run = () => execute(definitionIn(template, 'CopyTable'), request, invoke)
  return {
    run,
    calls,
    did: () => calls.map(({ operation, step = '', segment: at = '' }) => `${operation} ${step} ${at}`.trim()),
  }
}

const failure = (name: string, message: string) => Object.assign(new Error(message), { name })

describe("the copy's state machine", () => {
  it('is a definition that the language allows, its paths and resources included', () => {
    const { isValid, errorsText } = validate(definitionIn(template, 'CopyTable'), {
      checkPaths: true,
      checkArn: true,
    })

    expect([isValid, errorsText()]).toEqual([true, ''])
  })

  it('fails that very check when a state leads nowhere', () => {
    const definition = definitionIn(template, 'CopyTable')
    const { Plan, ...others } = definition.States

    const { isValid, errorsText } = validate({
      ...definition,
      States: { ...others, Plan: { ...Plan, Next: 'Nowhere' } },
    })

    expect(isValid).toBe(false)
    expect(errorsText()).toContain('Nowhere')
  })

  it('runs segments as executions of their own, at most 40 at once, and tolerates no failure', () => {
    const { Cleanup, Migrate, Verify } = definitionIn(template, 'CopyTable').States
    for (const state of [Cleanup, Migrate, Verify]) {
      expect(state).toMatchObject({
        Type: 'Map',
        MaxConcurrency: 40,
        ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' } },
      })
      expect(Object.keys(state ?? {}).filter((key) => /Tolerated/.test(key))).toEqual([])
    }
  })

  it('plans, empties, copies, sums up and concludes, in that order', async () => {
    const { run, did } = scripted({ cleanup: 2, migrate: 3, verify: 1 })

    expect(await run()).toEqual({ done: true, equal: true })

    const [plan, ...rest] = did()
    expect(plan).toBe('plan')
    expect(rest.slice(0, 2).sort()).toEqual(['segment cleanup 0', 'segment cleanup 1'])
    expect(rest.slice(2, 5).sort()).toEqual(['segment migrate 0', 'segment migrate 1', 'segment migrate 2'])
    expect(rest.slice(5)).toEqual(['segment verify 0', 'conclude'])
  })

  it('tells the function each time the request, whose the job is, and the segment', async () => {
    const { run, calls } = scripted({ cleanup: 0, migrate: 1 })

    await run()

    const leased = { ...request, token: 't1' }
    expect(calls).toEqual([
      { operation: 'plan', request, execution: expect.stringMatching(/^arn:aws:states:/) },
      { operation: 'segment', request: leased, step: 'migrate', segment: 0, segments: 1 },
      { operation: 'conclude', request: leased },
    ])
  })

  it('goes on with a segment until it is done', async () => {
    let invocations = 0
    const { run, did } = scripted({ cleanup: 0, migrate: 1 }, () => ({ done: ++invocations === 3 }))

    await run()

    expect(did()).toEqual(['plan', 'segment migrate 0', 'segment migrate 0', 'segment migrate 0', 'conclude'])
  })

  it.each(['Lambda.TooManyRequestsException', 'Lambda.ServiceException', 'Sandbox.Timedout', 'DynamoError'])(
    'tries again after %s',
    async (name) => {
      let attempts = 0
      const { run, did } = scripted({ cleanup: 1, migrate: 0 }, () => {
        if (++attempts < 3) throw failure(name, 'not now')
        return { done: true }
      })

      await run()

      expect(did().filter((call) => call === 'segment cleanup 0')).toHaveLength(3)
    },
  )

  it('ends with the reason when a segment fails, and neither goes on nor concludes', async () => {
    const { run, did } = scripted({ cleanup: 1, migrate: 2 }, ({ step }) => {
      if (step === 'cleanup') throw failure('InvalidRecordError', 'items[3] is of no known type')
      return { done: true }
    })

    const ended = await run().catch((error: unknown) => error)

    expect(ended).toMatchObject({
      name: 'ExecutionError',
      message: expect.stringMatching(
        /A segment failed: items\[3\] is of no known type\..* same input goes on/,
      ),
    })
    expect(did()).toEqual(['plan', 'segment cleanup 0'])
  })

  it('gives up on what does not pass, after 10 repeats', async () => {
    const { run, did } = scripted({ cleanup: 1, migrate: 0 }, () => {
      throw failure('Lambda.TooManyRequestsException', 'still not')
    })

    await expect(run()).rejects.toThrow('still not')

    expect(did()).toHaveLength(1 + 1 + 10)
  })

  it('waits for the lease of another execution, and says that it is busy when that does not end', async () => {
    let plans = 0
    const invoke: Invoke = () => {
      plans++
      return Promise.reject(failure('JobBusyError', 'a->b is being run by somebody else'))
    }

    await expect(execute(definitionIn(template, 'CopyTable'), request, invoke)).rejects.toThrow(
      'somebody else',
    )

    expect(plans).toBe(4)
  })

  it('ends at once when the plan is refused', async () => {
    let plans = 0
    const invoke: Invoke = () => {
      plans++
      return Promise.reject(failure('CopyRefusedError', 'a and b are one table'))
    }

    await expect(execute(definitionIn(template, 'CopyTable'), request, invoke)).rejects.toThrow(
      'a and b are one table',
    )

    expect(plans).toBe(1)
  })
})
