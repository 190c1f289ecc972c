import { describe, expect, it } from '@jest/globals'
import { addressesOf } from '../../../../functions/bridge/compare/addresses.ts'
import type { Answer } from '../../../../functions/bridge/compare/ask-side.ts'
import {
  answerVersion,
  compareAnswers,
  shownValue,
} from '../../../../functions/bridge/compare/compare-answers.ts'
import { readOnly } from '../../../../functions/bridge/model/attributes/read-only.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import { defineEntity, type EntityDefinition } from '../../../../functions/bridge/model/entity.ts'
import { jsonValue, parseExactJson } from '../../../../functions/bridge/model/exact-json.ts'
import { chefDefinition } from '../../../fixtures/entities/chef.ts'

const answer = (body: unknown, more: Partial<Answer> = {}): Answer => ({
  ...{ status: 200, milliseconds: 1, bytes: 1, headers: {} },
  body: jsonValue(parseExactJson(JSON.stringify(body))) ?? null,
  ...more,
})
const compared = (
  left: Answer,
  right: Answer,
  path = '/chefs/1',
  definition: Partial<EntityDefinition> = {},
) => {
  const entity = defineEntity({ ...chefDefinition, ...definition })
  const of = addressesOf(path, [entity])
  const { verdict, behind, differences, beyond } = compareAnswers(
    of,
    { side: 'legacy', answer: left },
    { side: 'modern', answer: right },
  )
  return { verdict, behind, differs: differences.map(({ path: at, is }) => `${at} ${is}`), beyond }
}
const EQUAL = { verdict: 'equal', behind: undefined, differs: [], beyond: 0 }
const ida = { chefId: '1', firstName: 'Ida', lastName: 'Point', version: 3, updatedAt: 't' }

describe('two answers of one key', () => {
  it('are equal whatever the order of their members', () => {
    expect(compared(answer(ida), answer(Object.fromEntries(Object.entries(ida).toReversed())))).toEqual(EQUAL)
  })

  it('are different with one version and other content', () => {
    expect(compared(answer(ida), answer({ ...ida, firstName: 'Ada' }))).toEqual({
      ...EQUAL,
      ...{ verdict: 'different', differs: ['/firstName value'] },
    })
  })

  it('are behind with another version, and it is told which is', () => {
    const later = answer({ ...ida, firstName: 'Ada', version: 4 })
    expect(compared(answer(ida), later)).toMatchObject({ verdict: 'behind', behind: 'legacy' })
    expect(compared(later, answer(ida))).toMatchObject({ verdict: 'behind', behind: 'modern' })
  })

  it('have their version in the ETag where the body hides it', () => {
    const { version: _, ...hidden } = ida
    const tagged = (n: number, firstName: string) =>
      answer({ ...hidden, firstName }, { headers: { etag: `"${n}"` } })
    expect(answerVersion(defineEntity(chefDefinition), tagged(3, 'Ida'))).toBe('3')
    expect(compared(tagged(3, 'Ida'), tagged(4, 'Ada'), '/chefs/1', { hidden: ['version'] })).toMatchObject({
      verdict: 'behind',
      behind: 'legacy',
    })
  })

  it('compare no versions where the stream makes them: an item has none', () => {
    const own = { versions: 'stream', overruled: 'park' } as const
    expect(compared(answer(ida), answer({ ...ida, version: 0 }), '/chefs/1', own)).toEqual(EQUAL)
  })

  it('differ by their status alone where one is a failure', () => {
    const none = answer({ detail: 'There is no chef.' }, { status: 404 })
    expect(compared(answer(ida), none)).toMatchObject({ verdict: 'different', differs: ['status value'] })
  })

  it('are equal where both say that there is none, of whichever request', () => {
    const none = (side: string, requestId: string) =>
      answer(
        { status: 404, detail: 'There is no chef.', instance: `/${side}/chefs/1`, requestId },
        { status: 404 },
      )
    expect(compared(none('aurora', 'a'), none('dynamo', 'b'))).toEqual(EQUAL)
  })

  it('take a path of each side for the same', () => {
    const linked = (side: string) =>
      answer({ ...ida, firstName: `/${side}/chefs/1`, lastName: `/${side}/chefs` })
    expect(compared(linked('aurora'), linked('dynamo'))).toEqual(EQUAL)
    expect(compared(linked('aurora'), linked('other'))).toMatchObject({ verdict: 'different' })
  })

  it('may lack what only the database sets, and must not have another', () => {
    const attributes = {
      ...chefDefinition.attributes,
      code: readOnly(text({ column: 'code', maxLength: 9, optional: true })),
    }
    expect(compared(answer({ ...ida, code: 'x' }), answer(ida), '/chefs/1', { attributes })).toEqual(EQUAL)
    const other = compared(answer({ ...ida, code: 'x' }), answer({ ...ida, code: 'y' }), '/chefs/1', {
      attributes,
    })
    expect(other.differs).toEqual(['/code value'])
  })
})

describe('two answers of one list', () => {
  const page = (...keys: readonly string[]) => keys.map((chefId) => ({ ...ida, chefId }))

  it('are equal in whatever order each store has', () => {
    expect(compared(answer({ items: page('1', '2') }), answer({ items: page('2', '1') }), '/chefs')).toEqual(
      EQUAL,
    )
  })

  it('differ by an entry that only one has, where both lists end', () => {
    const found = compared(answer({ items: page('1', '2') }), answer({ items: page('1') }), '/chefs')
    expect(found).toMatchObject({ verdict: 'different', differs: ['/items/2 only left'], beyond: 0 })
  })

  it('of which one goes on may have other keys: those of both are compared, the others counted', () => {
    const left = answer({ items: page('1', '2'), cursor: 'a' })
    const right = answer({ items: [{ ...ida, chefId: '2', firstName: 'Ada' }, ...page('3')], cursor: 'b' })
    expect(compared(left, right, '/chefs')).toMatchObject({
      ...{ verdict: 'different', differs: ['/items/2/firstName value'], beyond: 2 },
    })
    expect(compared(left, answer({ items: page('2', '3'), cursor: 'b' }), '/chefs')).toMatchObject({
      ...{ verdict: 'equal', beyond: 2 },
    })
  })

  it('have the names around them that the entity has for them, or none', () => {
    const named = { envelope: { items: 'data', cursor: 'next' } }
    const left = answer({ data: page('1'), next: 'a' })
    expect(compared(left, answer({ data: page('2'), next: 'b' }), '/chefs', named)).toMatchObject({
      beyond: 2,
    })
    const bare = { envelope: 'none' as const }
    expect(compared(answer(page('1', '2')), answer(page('2', '1')), '/chefs', bare)).toEqual(EQUAL)
    const goesOn = answer(page('1'), { headers: { link: '<?cursor=x>; rel="next"' } })
    expect(compared(goesOn, answer(page('1', '2')), '/chefs', bare)).toMatchObject({
      verdict: 'equal',
      beyond: 1,
    })
    expect(compared(answer(page('1')), answer(page('1', '2')), '/chefs', bare)).toMatchObject({
      ...{ verdict: 'different', differs: ['/2 only right'] },
    })
  })
})

describe('a value in a difference', () => {
  it('is JSON with all its digits, cut where it is long', () => {
    expect(shownValue(jsonValue(parseExactJson('{"n":9007199254740993}')))).toBe('{"n":9007199254740993}')
    expect(shownValue('x'.repeat(300))).toHaveLength(202)
    expect(shownValue(undefined)).toBe('-')
  })
})
