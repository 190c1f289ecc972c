import type { KeyPlace } from './item-layout.ts'
import { type Paths, pathOf, requirePaths } from './paths.ts'

/** Names of what stands beside an entity's fields, in JSON and in items. */
export type Names = {
  /** @default 'version' */
  readonly version: string
  /** When it was written. @default 'updatedAt' */
  readonly updatedAt: string
}

/** What stands beside an entity's fields in an answer. */
export type Beside = 'key' | keyof Names

/** Names of what stands around the entities of a list. */
export type Envelope = {
  /** @default 'items' */
  readonly items: string
  /** Those that are there and can't be shown. @default 'unreadable' */
  readonly unreadable: string
  /** Where the next page begins. @default 'cursor' */
  readonly cursor: string
}

/** What of an entity's contract with its clients a definition may say. */
export type ContractDefinition = {
  /** Names of what stands beside the fields, in JSON and in items. @default as they are called here */
  readonly names?: Partial<Names>
  /** What of that no answer has; the version is its ETag in any case. @default nothing */
  readonly hidden?: readonly Beside[]
  /** Where clients find it, as `/v1/customers`. @default '/aurora/{plural}', '/dynamo/{plural}' and, of the facade, '/{plural}' */
  readonly paths?: Partial<Paths>
  /**
   * Names of what stands around the entities of a list; or `none`, for a bare array: then a Link header leads to the next
   * page. @default as they are called here
   */
  readonly envelope?: Partial<Envelope> | 'none'
}

export type Contract = {
  readonly names: Names
  readonly hidden: readonly Beside[]
  readonly paths: Paths
  readonly envelope: Envelope | 'none'
}

/** @throws TypeError */
export const contractOf = (definition: ContractDefinition & { readonly plural: string }): Contract => {
  const { names = {}, hidden = [] } = definition
  const { version = 'version', updatedAt = 'updatedAt' } = names
  for (const name of [version, updatedAt])
    if (!isName(name)) throw new TypeError(`"${name}" can't be a name in JSON`)
  requirePaths(definition)
  return {
    names: { version, updatedAt },
    hidden,
    paths: {
      ...{ legacy: pathOf(definition, 'aurora'), modern: pathOf(definition, 'dynamo') },
      ...(definition.paths?.facade !== undefined && { facade: definition.paths.facade }),
    },
    envelope: envelopeOf(definition),
  }
}

const envelopeOf = ({ envelope = {} }: ContractDefinition): Envelope | 'none' => {
  if (envelope === 'none') return envelope
  const whole = { items: 'items', unreadable: 'unreadable', cursor: 'cursor', ...envelope }
  const names = Object.values(whole)
  for (const name of names) if (!isName(name)) throw new TypeError(`"${name}" can't be a name in JSON`)
  if (new Set(names).size < names.length)
    throw new TypeError('two of the names around its lists are the same')
  return whole
}

/**
 * The names in JSON and in items that no field of an entity can have.
 *
 * @param inJson those that only JSON has
 * @param type the attribute that tells an entity's items from another's
 * @throws TypeError for one that two things have
 */
export const namesBeside = (
  { names: { version, updatedAt } }: Contract,
  inJson: readonly string[],
  keyPlaces: readonly KeyPlace[],
  type: string | undefined,
): readonly string[] => {
  const both = [version, updatedAt]
  const keys = keyPlaces.map(({ attribute }) => attribute)
  const inItems = type === undefined ? keys : [type, ...keys]
  for (const names of [
    [...both, ...inJson],
    [...both, ...inItems],
  ]) {
    const twice = names.find((name, at) => names.indexOf(name) !== at)
    if (twice !== undefined) throw new TypeError(`"${twice}" is the name of two things beside its fields`)
  }
  const ofFields = new Set(
    keyPlaces.flatMap(({ attribute, field }) => (field === undefined ? [] : [attribute])),
  )
  return [...both, ORIGIN, ...inJson, ...inItems.filter((name) => !ofFields.has(name))]
}

/** What writers may say of who they are. */
const ORIGIN = 'origin'

/** DynamoDB takes longer ones, but an item pays for each character of a name. */
const LONGEST_NAME = 255

/** Whether JSON and items can have something under a name, and everybody can tell whether they have. */
export const isName = (name: string): boolean =>
  name !== '' && name.length <= LONGEST_NAME && name.isWellFormed() && !(name in Object.prototype)
