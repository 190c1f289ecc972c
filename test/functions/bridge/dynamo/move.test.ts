import { describe, expect, it } from '@jest/globals'
import { moveOf } from '../../../../functions/bridge/dynamo/move.ts'

type Image = Record<string, unknown>

const item = (version: number, more: Image = {}): Image => ({
  chefId: { S: 'k' },
  firstName: { S: `v${version}` },
  version: { N: String(version) },
  ...more,
})
const of = (owner: string, epoch: number): Image => ({
  backsync_owner: { S: owner },
  backsync_epoch: { N: String(epoch) },
})
const mirrored = (version: number): Image => ({ backsync_mirrored: { N: String(version) } })
const deleted: Image = { backsync_deleted: { S: '2026-11-22T03:00:00.000Z' } }
const move = (before: Image | undefined, after: Image | undefined) =>
  moveOf(before, after, { version: 'version' })

describe('a record of the stream, by whose the key was when it was written', () => {
  it.each<[string, Image | undefined, Image | undefined, bigint]>([
    ['a new item', undefined, item(1), 0n],
    ['a write of an item that says nothing', item(1), item(2), 0n],
    ['a delete of one', item(1), undefined, 0n],
    ['a write of an item that was moved here', item(1, of('dynamo', 4)), item(2, of('dynamo', 4)), 4n],
    ['a delete of one that was moved here', item(1, of('dynamo', 4)), undefined, 4n],
    ['a claim that gives it away: the last that was accepted', item(2), item(2, of('aurora', 1)), 0n],
    [
      'a claim that brings it back, with what the other side has made of it',
      item(2, of('aurora', 1)),
      item(5, of('dynamo', 2)),
      2n,
    ],
    ['a tombstone that a delete leaves', item(1), item(2, deleted), 0n],
    ['a life after it', item(2, deleted), item(3), 0n],
  ])('is DynamoDB’s own: %s', (_, before, after, epoch) => {
    expect(move(before, after)).toEqual({ is: 'own', epoch })
  })

  it.each<[string, Image | undefined, Image | undefined]>([
    ['what a mirror has made', undefined, item(1, { ...of('aurora', 0), ...mirrored(1) })],
    [
      'what a mirror has changed',
      item(1, { ...of('aurora', 0), ...mirrored(1) }),
      item(2, { ...of('aurora', 0), ...mirrored(2) }),
    ],
    ['a move of what stays Aurora’s', item(1, of('aurora', 1)), item(1, of('aurora', 3))],
    ['the end of a tombstone', item(2, { ...deleted, ...of('aurora', 1) }), undefined],
    ['the end of DynamoDB’s own tombstone', item(2, deleted), undefined],
    ['a tombstone of a key that never was', undefined, item(0, { ...deleted, ...of('dynamo', 1) })],
  ])('brings nothing: %s', (_, before, after) => {
    expect(move(before, after)).toEqual({ is: 'nothing' })
  })

  it.each<[string, Image | undefined, Image | undefined]>([
    ['new content', item(1, of('aurora', 1)), item(2, of('aurora', 1))],
    [
      'other content at the same version',
      item(1, of('aurora', 1)),
      item(1, { ...of('aurora', 1), firstName: { S: 'x' } }),
    ],
    [
      'other content under the stamp of what was there',
      item(1, { ...of('aurora', 1), ...mirrored(1) }),
      item(1, { ...of('aurora', 1), ...mirrored(1), firstName: { S: 'x' } }),
    ],
    [
      'a larger version under an old stamp',
      item(1, { ...of('aurora', 1), ...mirrored(1) }),
      item(2, { ...of('aurora', 1), ...mirrored(1) }),
    ],
    ['an item that has lost its owner', item(1, of('aurora', 1)), item(2)],
    ['one that says DynamoDB, without a move', item(1, of('aurora', 1)), item(2, of('dynamo', 1))],
    ['a delete', item(1, of('aurora', 1)), undefined],
    ['an item that nobody mirrored', undefined, item(1, of('aurora', 1))],
  ])('is foreign where the key is Aurora’s: %s', (_, before, after) => {
    expect(move(before, after)).toEqual({ is: 'foreign' })
  })

  it.each([
    ['owner', { backsync_owner: { S: 'somebody' } }],
    ['owner', { backsync_owner: { N: '1' } }],
    ['epoch', { backsync_epoch: { N: '-1' } }],
    ['epoch', { backsync_epoch: { N: '1.5' } }],
    ['epoch', { backsync_epoch: { S: '1' } }],
  ])('is refused by name where its %s is none', (what, odd) => {
    expect(() => move(undefined, item(1, odd))).toThrow(`backsync_${what}`)
  })
})
