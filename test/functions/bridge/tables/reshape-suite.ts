import { expect, it } from '@jest/globals'
import fc from 'fast-check'
import { runs, times } from '../../../support/runs.ts'
import { type Command, commands } from './reshape-commands.ts'
import { openWorld, type World, type WorldOptions } from './reshape-world.ts'
import { jobs } from './simulated-reshape.ts'

/** Some items that only a scan can bring, then the commands; at the end, what is wrong. */
export const play = async (world: World, list: readonly Command[]): Promise<readonly string[]> => {
  try {
    await world.seed('a', 'b', 'c', 'd', 'e', 'f')
    for (const command of list) await world.run(command)
    return await world.settle()
  } finally {
    await world.close()
  }
}

/** @param usual runs of each job in `npm test`; a third of them where items collide, since these wait for each other in real time */
export const testWhateverIsWritten = ({
  usual,
  options,
}: {
  readonly usual: number
  readonly options: () => WorldOptions
}): void => {
  it.each([
    ['renaming', usual],
    ['apart', usual],
    ['moving', Math.ceil(usual / 3)],
  ] as const)(
    '%s: whatever is written while a reshape runs, the target ends as the source says',
    async (name, short) => {
      const property = fc.asyncProperty(commands(60), async (list) => {
        expect(await play(await openWorld(jobs[name], options()), list)).toEqual([])
      })
      await fc.assert(property, {
        ...runs(short),
        // To make a failure smaller takes minutes.
        endOnFailure: true,
      })
    },
    times(300_000),
  )
}
