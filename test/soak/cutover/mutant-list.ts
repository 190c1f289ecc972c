import type { Mutant } from '../mutants.ts'

const AURORA = 'functions/bridge/aurora/aurora-records.ts'
const CALLS = 'functions/bridge/dynamo/claim-calls.ts'
const CLAIM = 'functions/bridge/cutover/claim.ts'
const FACADE = 'functions/bridge/cutover/facade-request.ts'
const LOOK = 'functions/bridge/cutover/look.ts'

/** Each guard of claims and of the facade; the first leaves everything as it is. */
export const mutants: readonly Mutant[] = [
  {
    name: 'none: as it is',
    file: FACADE,
    find: 'What a write does to a key, where somebody says at which side.',
    replace: 'What a write does to a key, where somebody says at which side, as before.',
  },
  {
    name: 'DynamoDB takes a write of what Aurora owns',
    file: 'functions/bridge/dynamo/authority.ts',
    find: "'(attribute_not_exists(#owner) OR #owner = :dynamo) AND",
    replace: "'(attribute_not_exists(#owner) OR #owner = :dynamo OR attribute_exists(#owner)) AND",
  },
  {
    name: 'Aurora takes a write of what DynamoDB owns',
    file: 'functions/bridge/aurora/authority.ts',
    find: " <=> 'dynamo')`",
    replace: " <=> 'nobody')`",
  },
  {
    name: 'Aurora takes from the stream what was written before the key came',
    file: 'functions/bridge/aurora/authority.ts',
    find: ' <= j.e`',
    replace: ' >= 0`',
  },
  {
    name: 'the mirror writes over what DynamoDB owns',
    file: 'functions/bridge/dynamo/mirrored-write.ts',
    find: "  '#owner = :aurora',",
    replace: "  '(#owner = :aurora OR attribute_exists(#key))',",
  },
  {
    name: 'plain SQL on what DynamoDB owns is taken',
    file: 'functions/bridge/aurora/triggers/statements-in.ts',
    find: " <=> 'dynamo'`",
    replace: " <=> 'nobody'`",
  },
  {
    name: 'a key goes without its last image',
    file: CLAIM,
    find: 'await takeOrGiveBack(entity, last, move, seen)',
    replace: 'await takeOrGiveBack(entity, { ...seen.old, key: last.key }, move, seen)',
  },
  {
    name: "a late claim takes the key from Aurora's later move",
    file: AURORA,
    find: 'const asRead = (epoch: string): Sql => ',
    replace: "const asRead = (epoch: string): Sql => was >= 0n ? raw('TRUE') : ",
  },
  {
    name: "a late claim takes the key from DynamoDB's later move",
    file: CALLS,
    find: "export const AS_READ = 'attribute_not_exists(#epoch) OR (#epoch < :epoch AND #epoch <= :was)'",
    replace: "export const AS_READ = 'attribute_not_exists(#epoch) OR #epoch <> :epoch OR #epoch <= :was'",
  },
  {
    name: 'DynamoDB takes an image over what came since',
    file: CALLS,
    find: 'unchanged(item, [names.version, RECORD.owner, RECORD.epoch, RECORD.deleted])',
    replace: 'unchanged(item, names.version === RECORD.deleted ? [] : [RECORD.deleted])',
  },
  {
    name: 'Aurora takes a key at another version than the image',
    file: AURORA,
    find: '} = j.v`),',
    replace: '} >= 0`),',
  },
  {
    name: 'a key is read where its route says, whoever owns it',
    file: 'functions/bridge/cutover/whose.ts',
    find: 'record.owner === side && !saysNothing(side, record)',
    replace: '!saysNothing(side, record)',
  },
  {
    name: 'one store alone tells that a key is nowhere',
    file: LOOK,
    find: '  const there = await read[otherOf(first)](entity, here.key)\n',
    replace:
      "  if (here.state === 'absent') return { is: 'nowhere' }\n  const there = await read[otherOf(first)](entity, here.key)\n",
  },
  {
    name: 'a key that has come meanwhile is not looked at again',
    file: LOOK,
    find: 'return isOld ? whoseIs',
    replace: 'return isOld && here.version < 0n ? whoseIs',
  },
  {
    name: 'a write that may have been done is done again at the other store',
    file: FACADE,
    find: 'if (error.mayHaveRun) throw',
    replace: "if (error.mayHaveRun && entity.name === '') throw",
  },
  {
    name: 'a natural key is made in DynamoDB unclaimed',
    file: FACADE,
    find: 'return route.frozen === undefined ? this.#claim(entity, key, to, route.epoch)',
    replace: 'return route.frozen === undefined ? to',
  },
  {
    name: 'what is nowhere is told by an old route',
    file: FACADE,
    find: 'return this.#known.route.epoch === route.epoch',
    replace: 'return this.#known.route.epoch >= 0n || route.epoch >= 0n',
  },
  {
    name: 'a repeat asks one store only',
    file: FACADE,
    find: 'stores[otherOf(side)].recall(entity, asked, only)',
    replace:
      "entity.name === '' ? stores[otherOf(side)].recall(entity, asked, only) : Promise.resolve(undefined)",
  },
  {
    name: 'what is born is of no move',
    file: FACADE,
    find: 'return { ...change, epoch: this.#known.route.epoch }',
    replace: 'return { ...change, ...(change.key === undefined && { epoch: this.#known.route.epoch }) }',
  },
  {
    name: 'a half done move is read as the target has it',
    file: 'functions/bridge/cutover/whose.ts',
    find: "const from = aurora.version > dynamo.version ? 'aurora' : 'dynamo'",
    replace: "const from = aurora.version > dynamo.version ? 'dynamo' : 'aurora'",
  },
]
