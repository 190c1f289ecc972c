import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { commands } from './reshape-commands.ts'
import { play, testWhateverIsWritten } from './reshape-suite.ts'
import { withoutTombstones, withoutVersions } from './reshape-tampering.ts'
import { openWorld, type WorldOptions } from './reshape-world.ts'
import { jobs } from './simulated-reshape.ts'

const bareOfTombstones: WorldOptions = {
  tamper: (client, kept) => withoutTombstones(client, kept.config.TOMBSTONES_TABLE),
}

/** As `reshape-under-writes.test.ts`, for longer, and the proof that it would see what is wrong. */
describe('with every kind of job', () => {
  testWhateverIsWritten({ usual: 15, options: () => ({}) })

  it.each([
    ['tombstones', bareOfTombstones, 'should not be'],
    ['versions', { tamper: withoutVersions }, ', not {'],
  ] as const)(
    'and without %s it does not',
    async (_, tampered, symptom) => {
      const property = fc.asyncProperty(commands(60), async (list) => {
        const lines = await play(await openWorld(jobs.renaming, tampered), list)
        if (lines.some((line) => line.includes(symptom))) throw new Error('it is seen')
      })
      const { errorInstance } = await fc.check(property, { numRuns: 100, endOnFailure: true })
      expect(errorInstance).toEqual(new Error('it is seen'))
    },
    120_000,
  )
})
