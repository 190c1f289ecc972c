import { crc32 } from 'node:zlib'

/** Parts that an entity's keys are divided into: a hundredth of a percent is one of them. */
const PARTS = 10_000

/**
 * The part of a key, from 0: the same whoever asks, in TypeScript and in SQL (`CRC32(CONCAT(salt, ':', key)) % 10000`, of
 * UTF-8). A share of n percent are the first of them, so that a share that grows keeps the keys that it had.
 *
 * @param salt of the route: keys that come first with one entity don't come first with all
 */
export const partOf = (salt: string, key: string): number => crc32(`${salt}:${key}`) % PARTS

/** How many parts a share has. @param percent from 0 to 100, in hundredths */
export const partsIn = (percent: number): number => Math.round((percent * PARTS) / 100)
