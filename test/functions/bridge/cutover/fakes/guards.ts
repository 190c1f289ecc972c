/*
 * The guards by which a key has one owner, and nothing is lost: each can be taken out of the fakes, to see what it is for.
 */

export const GUARDS = {
  fence: 'the old side is claimed, not only read, before the new one has the key',
  'claim-order': 'the old side is claimed first',
  'epoch-in-claim': 'a claim changes a record of an earlier move only',
  'epoch-as-read': 'a key is given away as it was read only: not by what has overlooked another move',
  'content-in-claim': 'a claim is no write over what is later',
  'owner-in-take': 'a claim is no write over what has the key already',
  'known-absence': 'before a key without an item is claimed, an item says that there is none',
  'owner-in-write': 'a write asks whose the key is',
  'version-in-mirror': 'a mirrored change is no write over what is later',
  'owner-in-mirror': 'a mirrored change asks whose the key is where it is applied',
  'epoch-in-mirror': 'a mirrored change of before the last move is not applied',
  tombstone: 'a deleted row leaves a record',
  'record-of-delete': 'a deleted item leaves a record, once its key has changed hands',
  trigger: 'plain SQL is refused where DynamoDB owns the key',
  lift: 'what is overruled and still current is lifted',
  'lift-of-delete': 'a delete that is overruled and still true is raised',
  'lift-whatever-the-record': 'also where the own step of a record looks normal',
  'version-in-lift': 'a lift asks whether the item is still as the record has it',
  'owner-in-lift': 'a lift asks whose the item is',
  'source-of-late': 'of what seems late the source is asked',
} as const

export type Guard = keyof typeof GUARDS
export type TakenOut = ReadonlySet<Guard>
