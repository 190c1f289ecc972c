import { createHash } from 'node:crypto'

/** The name space of keys that are derived: a UUID of nothing else. */
const NAMESPACE = Buffer.from('9b1f0c6e5d9a4f7e8a3c2b6d4e1f7a05', 'hex')

/** Lives of one scope: whoever has used a key of his so often has to take a new one. */
const MOST = 64

/**
 * The key of what a repeatable request makes, a UUID of version 5: the same on either side, so that a repeat meets what the
 * first one has made wherever that is by then.
 *
 * @param generation what was made with the same scope before counts up: 0 for the first
 */
export const derivedKey = (scope: string, generation: number): string => {
  const bytes = createHash('sha1').update(NAMESPACE).update(`${scope}#${generation}`).digest().subarray(0, 16)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  const hex = bytes.toString('hex')
  return [[0, 8], [8, 12], [12, 16], [16, 20], [20]].map(([from, to]) => hex.slice(from, to)).join('-')
}

/** Which of its scope's keys one is; undefined for any other key. */
export const generationOf = (scope: string, key: string): number | undefined => {
  for (let generation = 0; generation <= MOST; generation++)
    if (derivedKey(scope, generation) === key) return generation
  return undefined
}

/** Whether a key was derived, and if so the next one of its scope; undefined for any other, and when there are no more. */
export const nextDerived = (scope: string, key: string): string | undefined => {
  const generation = generationOf(scope, key)
  return generation === undefined || generation >= MOST ? undefined : derivedKey(scope, generation + 1)
}
