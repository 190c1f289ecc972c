import { expect, it } from '@jest/globals'
import fc from 'fast-check'
import { type Command, commands } from './reshape-commands.ts'
import { openWorld, type World, type WorldOptions } from './reshape-world.ts'
import { jobs } from './simulated-reshape.ts'

/** More than the usual runs where this is set; a failure is then made smaller, which takes minutes. */
const { FC_RUNS } = process.env

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

/** @param runs of each job; a third of them where items collide, since these wait for each other in real time */
export const testWhateverIsWritten = ({
  runs,
  options,
}: {
  readonly runs: number
  readonly options: () => WorldOptions
}): void => {
  it.each([
    ['renaming', runs],
    ['apart', runs],
    ['moving', Math.ceil(runs / 3)],
  ] as const)(
    '%s: whatever is written while a reshape runs, the target ends as the source says',
    async (name, usual) => {
      const property = fc.asyncProperty(commands(60), async (list) => {
        expect(await play(await openWorld(jobs[name], options()), list)).toEqual([])
      })
      await fc.assert(property, {
        numRuns: FC_RUNS === undefined ? usual : Number(FC_RUNS),
        endOnFailure: FC_RUNS === undefined,
      })
    },
    FC_RUNS === undefined ? 300_000 : 3_600_000,
  )
}
