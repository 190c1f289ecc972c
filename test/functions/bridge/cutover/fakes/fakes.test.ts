import { describe, expect, it } from '@jest/globals'
import { conformance, type Stores } from '../conformance.ts'
import { facesOf } from './faces.ts'
import { GUARDS, type Guard } from './guards.ts'
import { emptyStores, runner, type Step } from './state.ts'

const step: Step = async (_, work) => work()

const openFakes = (out: readonly Guard[], fine: boolean): Stores => {
  const parts = { stores: emptyStores(), out: new Set(out), atOnce: step, run: runner(step, fine) }
  const { sides, sink, source, write, plainPut } = facesOf({ ...parts, accepted: () => {} })
  return { key: 'k', sides, sink, source, write, put: (change) => plainPut(change, true) }
}

describe.each([
  ['as one step', false],
  ['statement by statement', true],
])('both stores in memory, of which each call goes %s', (_, fine) => {
  it.each(conformance)('$title', async ({ play, comes }) => {
    expect(await play(openFakes([], fine))).toEqual(comes)
  })

  it.each(conformance)('$title: not without the guard $guard', async ({ guard, play, comes }) => {
    const come = await play(openFakes([guard], fine)).catch(String)
    expect(come).not.toEqual(comes)
  })
})

it('each guard of a store has a case', () => {
  const told = new Set<string>(conformance.map(({ guard }) => guard))
  // Those are of how a claim goes on, of the trigger that is to come, and of what a record of the stream says.
  const others = ['claim-order', 'trigger', 'lift-whatever-the-record']
  expect(Object.keys(GUARDS).filter((guard) => !told.has(guard))).toEqual(others)
})
