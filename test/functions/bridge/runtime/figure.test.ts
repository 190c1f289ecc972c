import { describe, expect, it } from '@jest/globals'
import { DeadlineError } from '../../../../functions/bridge/model/errors.ts'
import { figure, told } from '../../../../functions/bridge/runtime/figure.ts'

describe('a figure', () => {
  it('is what its source answers', async () => {
    const asked = await figure(async () => 0, 1_000)
    expect([asked, told(asked)]).toEqual([{ value: 0 }, 0])
  })

  it.each([
    [
      'code and message of an error of ours',
      new DeadlineError('Query needs 50 ms'),
      'Query needs 50 ms (deadline.exceeded)',
    ],
    ['the message of any other', new Error('no such host'), 'no such host'],
  ])('is not known for %s', async (_, error, unknown) => {
    const asked = await figure(() => Promise.reject(error), 1_000)
    expect([asked, told(asked)]).toEqual([{ unknown }, undefined])
  })

  it('is not known, too, where its source throws before it waits', async () => {
    const ask = (): Promise<number> => {
      throw new Error('no output FailureBucketName')
    }
    expect(await figure(ask, 1_000)).toEqual({ unknown: 'no output FailureBucketName' })
  })

  it('waits no longer than it may for one that never answers', async () => {
    expect(await figure(() => new Promise<never>(() => {}), 20)).toEqual({
      unknown: 'no answer within 0.02 s',
    })
  })
})
