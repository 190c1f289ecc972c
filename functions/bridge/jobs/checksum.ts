import { hash } from 'node:crypto'
import type { Item } from '../drivers/dynamo/items.ts'
import { canonicalText, decodeItem } from '../model/values.ts'

/** Digests have so many bits; their sums are taken modulo 2 to this power. */
const BITS = 128
const HEX_DIGITS = BITS / 4

/**
 * What tells an item from any other: the first 16 bytes of SHA-256 over its canonical text. Equal items have equal
 * digests: numbers count by their amount, sets and maps have no order.
 *
 * @throws InvalidRecordError for an attribute value that has no known type
 */
export const itemDigest = (item: Item): bigint =>
  BigInt(`0x${hash('sha256', canonicalText(decodeItem(item, 'item'))).slice(0, HEX_DIGITS)}`)

/** The sum of a table's digests doesn't depend on their order; an item that is there twice counts twice. */
export const addDigests = (a: bigint, b: bigint): bigint => BigInt.asUintN(BITS, a + b)

/** 32 hex digits. */
export const toHex = (digest: bigint): string => digest.toString(16).padStart(HEX_DIGITS, '0')

/** @throws SyntaxError for anything but hex digits */
export const fromHex = (hex: string): bigint => BigInt(`0x${hex}`)
