import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { NoSlotError, type Release, Slots } from '../../../../../functions/bridge/drivers/data-api/slots.ts'
import { DeadlineError } from '../../../../../functions/bridge/model/errors.ts'
import { Deadline } from '../../../../../functions/bridge/runtime/deadline.ts'
import { runs } from '../../../../support/runs.ts'

const NEVER = 60_000
const unbounded = new Deadline()

/** All promises that can settle by now have. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('places among what may be open at once', () => {
  it('are given in the order in which they were asked for', async () => {
    const slots = new Slots('things', 1, NEVER)
    const order: number[] = []
    const first = await slots.take(unbounded)
    const others = [1, 2, 3].map(async (name) => {
      const release = await slots.take(unbounded)
      order.push(name)
      release()
    })
    first()
    await Promise.all(others)

    expect(order).toEqual([1, 2, 3])
  })

  it('are waited for no longer than the deadline allows, and not held by who gave up', async () => {
    const slots = new Slots('things', 1, NEVER)
    const release = await slots.take(unbounded)
    const deadline = new Deadline()
    deadline.within(20)

    await expect(slots.take(deadline)).rejects.toThrow(DeadlineError)
    release()
    expect(await slots.take(unbounded)).toBeInstanceOf(Function)
  })

  it('are no longer waited for once the caller gives up', async () => {
    const slots = new Slots('things', 1, NEVER)
    const release = await slots.take(unbounded)
    const giveUp = new AbortController()
    const waiting = slots.take(unbounded, giveUp.signal)
    giveUp.abort(new Error('enough'))

    await expect(waiting).rejects.toThrow('enough')
    await expect(slots.take(unbounded, giveUp.signal)).rejects.toThrow('enough')
    release()
    expect(await slots.take(unbounded)).toBeInstanceOf(Function)
  })

  it('that those hold who wait for another end by refusing one of them, not by waiting for ever', async () => {
    const slots = new Slots('things', 2, 30)
    const nested = async (): Promise<string> => {
      const outer = await slots.take(unbounded)
      try {
        const inner = await slots.take(unbounded)
        inner()
        return 'done'
      } catch (error) {
        return error instanceof NoSlotError ? error.message : 'wrong'
      } finally {
        outer()
      }
    }

    expect((await Promise.all([nested(), nested()])).toSorted()).toEqual([
      '2 things of this client are open, which are all that may be, and none ended for 0 s',
      'done',
    ])
  })

  it('are given back once, however often that is said', async () => {
    const slots = new Slots('things', 1, NEVER)
    const release = await slots.take(unbounded)
    release()
    release()
    const again = await slots.take(unbounded)
    let taken = false
    const waiting = slots.take(unbounded).then(() => {
      taken = true
    })
    await settled()

    expect(taken).toBe(false)
    // Whoever still waits when a test ends is refused in the midst of another one.
    again()
    await waiting
  })

  it('are never more than there are, and none is lost, whatever comes, goes and gives up', async () => {
    const step = fc.constantFrom('take', 'free', 'giveUp')
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(step, { maxLength: 40 }),
        async (most, steps) => {
          const slots = new Slots('things', most, NEVER)
          const held: Release[] = []
          const waiting = new Set<AbortController>()
          const take = (): void => {
            const control = new AbortController()
            waiting.add(control)
            slots.take(unbounded, control.signal).then(
              (release) => {
                waiting.delete(control)
                held.push(release)
              },
              () => waiting.delete(control),
            )
          }
          for (const one of steps) {
            if (one === 'take') take()
            else if (one === 'free') held.shift()?.()
            else [...waiting].at(-1)?.abort()
            await settled()
            expect(held.length).toBeLessThanOrEqual(most)
            expect(waiting.size === 0 || held.length === most).toBe(true)
          }
          while (held.length > 0 || waiting.size > 0) {
            held.shift()?.()
            await settled()
          }
          for (let at = 0; at < most; at += 1) await slots.take(unbounded)
        },
      ),
      runs(100),
    )
  })
})
