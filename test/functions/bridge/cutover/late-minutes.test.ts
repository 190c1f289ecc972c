import { describe, expect, it } from '@jest/globals'
import { lateIn, lateQueries, type MirrorWays } from '../../../../functions/bridge/cutover/late-minutes.ts'
import {
  BACK_SYNC,
  FACADE,
  LambdaMetrics,
  METRICS_NAMESPACE,
  RELAY,
} from '../../../../functions/bridge/runtime/metrics.ts'
import { readEmf } from '../../../../infra/local/metrics/emf.ts'

const MINUTE = 60_000
const NOW = Date.UTC(2037, 5, 2, 12)
const both: MirrorWays = { aurora: MINUTE, dynamo: MINUTE }
const onTime = { looks: 1, bad: 0 }
const late = { looks: 1, bad: 1 }

/** Values by names of queries, and by how many minutes ago they were measured. */
type Measured = Readonly<Record<string, Readonly<Record<number, number>>>>
const judged = (measured: Measured, ways = both) =>
  lateIn(ways, NOW, (name, at) => measured[name]?.[(NOW - at) / MINUTE])

describe('a minute in which a store was late', () => {
  it('is none where nothing was written, nor carried', () => {
    expect(judged({})).toBeUndefined()
    // Somebody else’s write, of before or behind it, is looked at in another minute.
    expect(judged({ 'written for dynamo': { 0: 5, 1: 5, 3: 5 } })).toBeUndefined()
    expect(judged({ 'lag to dynamo': { 1: 90_000 } })).toBeUndefined()
  })

  it.each(['aurora', 'dynamo'])('is one in which something came to %s after longer than it may', (to) => {
    expect(judged({ [`lag to ${to}`]: { 0: MINUTE } })).toEqual(onTime)
    expect(judged({ [`lag to ${to}`]: { 0: MINUTE + 1 } })).toEqual(late)
  })

  it.each(['aurora', 'dynamo'])('is one in which nothing has come to %s of what was written', (to) => {
    const written = { [`written for ${to}`]: { 2: 1 } }
    expect(judged(written)).toEqual(late)
    for (const [name, ago] of [
      ['Applied', 2],
      ['SkippedAsOlder', 1],
      ['Parked', 0],
    ] as const)
      expect(judged({ ...written, [`${name} in ${to}`]: { [ago]: 1 } })).toEqual(onTime)
    expect(judged({ ...written, [`Applied in ${to}`]: { 3: 9 } })).toEqual(late)
  })

  it('is one where one of two ways is late', () => {
    expect(judged({ 'lag to aurora': { 0: 5 }, 'written for dynamo': { 2: 1 } })).toEqual(late)
  })

  it('is none of a way on which nothing is carried, nor by what a relay may leave for an hour', () => {
    const ofDynamo = { 'written for dynamo': { 2: 1 }, 'lag to dynamo': { 0: 3_000_000 } }
    expect(judged(ofDynamo, { ...both, dynamo: undefined })).toBeUndefined()
    expect(judged(ofDynamo, { ...both, dynamo: 7_260_000 })).toEqual(onTime)
    expect(judged({ 'lag to dynamo': { 0: 7_300_000 } }, { ...both, dynamo: 7_260_000 })).toEqual(late)
  })

  it('is asked for by names under which functions publish it', () => {
    const published: string[] = []
    for (const service of [BACK_SYNC, RELAY, FACADE]) {
      const metrics = new LambdaMetrics(service, {
        write: (line) => {
          for (const one of readEmf(line)) published.push(`${one.service} ${one.entity} ${one.name}`)
        },
      })
      metrics.milliseconds('Lag', 'chef', 1)
      for (const name of ['Applied', 'SkippedAsOlder', 'Parked', 'Waiting'] as const)
        metrics.count(name, 'chef', 1)
      for (const name of ['WrittenAurora', 'WrittenDynamo'] as const) metrics.count(name, 'chef', 1)
      metrics.flush()
    }
    const asked = Object.entries(lateQueries('chef', both))
    for (const [, { namespace, name, dimensions }] of asked) {
      expect(namespace).toBe(METRICS_NAMESPACE)
      expect(published).toContain(`${dimensions.service} ${dimensions.entity} ${name}`)
    }
    expect(asked.map(([name, { name: metric }]) => `${name}: ${metric}`)).toEqual(
      expect.arrayContaining([
        'written for aurora: WrittenDynamo',
        'written for dynamo: WrittenAurora',
        'lag to dynamo: Lag',
      ]),
    )
    expect(Object.keys(lateQueries('chef', { ...both, dynamo: undefined })).join()).not.toContain('dynamo')
  })
})
