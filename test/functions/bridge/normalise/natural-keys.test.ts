import { describe, expect, it } from '@jest/globals'
import { normaliseApiEvent } from '../../../../functions/bridge/normalise/api.ts'
import { httpApiEvent } from '../../fixtures/http-events.ts'
import { keyed } from '../../fixtures/keyed.ts'

const entities = keyed.map(([, { entity }]) => entity)
const context = {
  entities,
  base: 'aurora',
  now: () => new Date('2026-11-22T03:00:00.123Z'),
  newKey: () => 'a-new-key',
}

const call = (method: string, path: string, body?: unknown) =>
  normaliseApiEvent(
    httpApiEvent(method, path, body === undefined ? {} : { body: JSON.stringify(body) }),
    context,
  )

describe('a call about a natural key', () => {
  const membership = { employee: 7, department: 'd001', from: '1999-12-31' }
  const path = '/aurora/memberships/7,d001,1999-12-31'

  it('creates what its body says', () => {
    expect(call('POST', '/aurora/memberships', membership)).toMatchObject({
      action: 'create',
      changes: [{ key: '7,d001,1999-12-31', version: 1n }],
    })
    expect(call('POST', '/aurora/crates', { label: 'x' })).toMatchObject({ changes: [{ key: 'a-new-key' }] })
    expect(call('POST', '/aurora/devices', { label: 'x' })).toMatchObject({ changes: [{ key: 'a-new-key' }] })
  })

  it('is refused where the body makes no key', () => {
    expect(call('POST', '/aurora/products', { line: 'a', code: 'b ' })).toMatchObject({
      action: 'refuse',
      problem: { status: 422, code: 'key', errors: [{ pointer: '/line' }, { pointer: '/code' }] },
    })
  })

  it('replaces a row, and never its key', () => {
    expect(call('PUT', path, membership)).toMatchObject({
      action: 'replace',
      changes: [{ key: '7,d001,1999-12-31' }],
    })
    expect(call('PUT', path, { ...membership, employee: 8, department: 'D001' })).toMatchObject({
      action: 'refuse',
      problem: { status: 422, code: 'key', errors: [{ pointer: '/employee' }, { pointer: '/department' }] },
    })
  })

  it.each(
    keyed.flatMap(([, { entity, unknown }]) =>
      entity.keyParts.length > 0 ? [[entity, unknown] as const] : [],
    ),
  )('knows no other text of it', (entity, unknown) => {
    const strange = unknown.filter((key) => !['x3', 'ships,S3', '-1,1.50'].includes(key))
    for (const key of strange)
      for (const method of ['GET', 'DELETE'])
        expect(call(method, `/aurora/${entity.plural}/${encodeURIComponent(key)}`)).toMatchObject({
          action: 'refuse',
          problem: { status: 404 },
        })
  })
})
