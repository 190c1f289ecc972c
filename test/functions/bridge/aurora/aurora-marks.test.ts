import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { AuroraMarks } from '../../../../functions/bridge/aurora/aurora-marks.ts'
import { TOKENS_KEPT } from '../../../../functions/bridge/model/store-mark.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'

describe('the marks that Aurora keeps', () => {
  let aurora: TestAurora
  let marks: AuroraMarks
  beforeAll(async () => {
    aurora = await openTestAurora()
    marks = new AuroraMarks(aurora.db)
  }, 60_000)
  afterAll(() => aurora.close())

  const told = (mark: number | bigint, token: string) => ({ mark: BigInt(mark), token })
  const first = (entity: string, token: string) => ({
    ...{ entity, was: undefined, next: told(1, token), witnessed: 0n },
  })

  it('are none at first, and are raised over what was read only', async () => {
    expect(await marks.read(['chef'])).toEqual(new Map())
    expect(await marks.raise([first('chef', 'a1')])).toBe(true)
    // By another one at the same time, or once more, where the answer was lost.
    expect(await marks.raise([first('chef', 'a2')])).toBe(false)
    const next = { entity: 'chef', was: told(1, 'a1'), next: told(2, 'a3'), witnessed: 1n }
    expect([await marks.raise([next]), await marks.raise([next])]).toEqual([true, false])
    expect(await marks.raise([{ ...next, was: told(2, 'b0'), next: told(3, 'b1') }])).toBe(false)

    expect(await marks.read(['chef', 'recipe'])).toEqual(
      new Map([['chef', { mark: 2n, tokens: ['a3', 'a1'], witnessed: 1n }]]),
    )
  })

  it('are raised of several entities by one statement, and say where one of them was another one', async () => {
    await marks.raise([first('dish', 'd1')])
    const dish = { entity: 'dish', was: told(1, 'd1'), next: told(2, 'd2'), witnessed: 0n }
    expect(await marks.raise([dish, first('guest', 'g1')])).toBe(true)
    const late = { entity: 'guest', was: told(1, 'no'), next: told(2, 'g2'), witnessed: 0n }
    expect(await marks.raise([{ ...dish, was: told(2, 'd2'), next: told(3, 'd3') }, late])).toBe(false)
    expect((await marks.read(['guest'])).get('guest')).toMatchObject({ mark: 1n, tokens: ['g1'] })
  })

  it('have what the last ones are known by, so many, however large their numbers are', async () => {
    const large = 2n ** 63n
    await marks.renew('plate', told(large, '00'))
    for (let n = 0; n < TOKENS_KEPT + 3; n++) {
      const at = large + BigInt(n)
      const [was, next] = [
        told(at, n.toString(16).padStart(2, '0')),
        told(at + 1n, (n + 1).toString(16).padStart(2, '0')),
      ]
      expect(await marks.raise([{ entity: 'plate', was, next, witnessed: at }])).toBe(true)
    }
    const raised = (await marks.read(['plate'])).get('plate')
    expect(raised).toMatchObject({
      mark: large + BigInt(TOKENS_KEPT + 3),
      witnessed: raised && raised.mark - 1n,
    })
    expect(raised?.tokens).toHaveLength(TOKENS_KEPT)
    expect(raised?.tokens.slice(0, 2)).toEqual(['23', '22'])
  })

  it('hold as many tokens as are kept, of the longest that there are', async () => {
    const token = (n: number) => n.toString(16).padStart(12, 'f')
    await marks.raise([first('long', token(0))])
    for (let n = 1; n <= TOKENS_KEPT; n++)
      await marks.raise([
        { entity: 'long', was: told(n, token(n - 1)), next: told(n + 1, token(n)), witnessed: 0n },
      ])
    expect((await marks.read(['long'])).get('long')?.tokens).toEqual(
      Array.from({ length: TOKENS_KEPT }, (_, n) => token(TOKENS_KEPT - n)),
    )
  })

  it('begin anew, with nothing of before', async () => {
    await marks.raise([first('menu', 'm1')])
    await marks.renew('menu', told(1_001, 'm2'))
    expect((await marks.read(['menu'])).get('menu')).toEqual({ mark: 1_001n, tokens: ['m2'], witnessed: 0n })
  })
})
