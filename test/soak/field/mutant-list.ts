import type { Mutant } from '../mutants.ts'

/** Each mend of lost, unlisted, bad and given-up records; the first leaves everything as it is. */
export const mutants: readonly Mutant[] = [
  {
    name: 'none: as it is',
    file: 'functions/bridge/sync/overruled.ts',
    find: 'Keys that are asked about at once.',
    replace: 'Keys that are asked about at once, as before.',
  },
  {
    name: 'what is overruled is taken for late',
    of: ['F1', 'F2'],
    file: 'functions/bridge/sync/overruled.ts',
    find: "if (lifting === 'lifted' || lifting === 'late') return { fate: lifting }",
    replace: "if (lifting !== undefined) return { fate: 'late' }",
  },
  {
    name: 'what is lifted is parked',
    of: ['F2'],
    file: 'functions/bridge/dynamo/entity-source.ts',
    find: "if (entity.overruled === 'park' ||",
    replace: "if (entity.overruled !== 'park' ||",
  },
  {
    name: 'of several records the largest version counts',
    of: ['F2'],
    file: 'functions/bridge/model/change.ts',
    find: 'version > LARGEST_VERSION && version < known',
    replace: 'version < known',
  },
  {
    name: 'equal versions are taken for equal content',
    of: ['F3'],
    file: 'functions/bridge/aurora/aurora-sink.ts',
    find: 'content !== undefined && holdsAll(content, change.row)',
    replace: '(content === undefined || holdsAll(content, change.row) || true)',
  },
  {
    name: 'digits become ids',
    of: ['F8'],
    file: 'functions/bridge/aurora/statements.ts',
    find: 'return sql`IF(d.version IS NOT NULL AND',
    replace: 'if (lookup) return sql`j.i`\n  return sql`IF(d.version IS NOT NULL AND',
  },
  {
    name: 'what a batch has overtaken is listed',
    of: ['F5'],
    file: 'functions/bridge/sync/apply.ts',
    // A record that is no change is overtaken by what its source holds, too: without both nothing else takes it out.
    find: `  if (mode === 'parked') await leaveOutdated(errors, mirror)
  const unproved = ofSameKey(evidence, changes)
  if (mode === 'parked') leaveOvertaken(evidence, errors, unproved, mirror)`,
    replace: '  const unproved = ofSameKey(evidence, changes)',
  },
  {
    name: 'a refused row takes its batch along',
    of: ['F10'],
    file: 'functions/bridge/aurora/isolate.ts',
    find: 'if (!(error instanceof Error) || !mayBeOfOne(error)) throw error',
    replace: 'if (error !== undefined) throw error',
  },
  {
    name: 'values that change places are never untangled',
    of: ['F13'],
    file: 'functions/bridge/aurora/aurora-sink.ts',
    find: 'untangle: (refused) =>\n      untangle(',
    replace: 'untangle: async (refused) =>\n      refused.size >= 0 ? new Set<Change>() : untangle(',
  },
  {
    name: "a foreign key's own rule is ignored",
    of: ['F15'],
    file: 'functions/bridge/aurora/aurora-sink.ts',
    find: "(onDelete !== 'CASCADE' && onDelete !== 'SET NULL')",
    replace: "onDelete !== 'NEVER'",
  },
  {
    name: 'what waits is never tried again',
    of: ['F13', 'F14', 'F18'],
    file: 'functions/bridge/sync/follow.ts',
    find: '    await unpark(outcomes, mirror)\n    await sweep(mirror)\n',
    replace: '    if (outcomes.length < 0) await unpark(outcomes, mirror).then(() => sweep(mirror))\n',
  },
  {
    name: 'whatever comes of a key takes it off the list',
    of: ['F4'],
    file: 'functions/bridge/sync/supersede.ts',
    find: `    if (isBehind(head, place)) continue
    const stepsBack = comparePlaces(place, head) < 0
    if (stepsBack && !(isBehind(place, head) && (await isCurrent(one.change, mirror)))) continue
    const upTo = stepsBack ? { ...place, version: head.version ?? 0n } : place`,
    replace: `    const { version = 0n, sequenceNumber } = head
    const upTo = isBehind(head, place) ? { ...place, version, sequenceNumber } : place`,
  },
  {
    name: 'a row is read in one piece, or not at all',
    of: ['F9'],
    file: 'functions/bridge/aurora/aurora-store.ts',
    find: 'if (isResultTooLarge(error)) return inPieces()',
    replace: 'if (isResultTooLarge(error) && error === undefined) return inPieces()',
  },
  {
    name: 'a hint hides what is parked',
    of: ['F12'],
    file: 'functions/bridge/parking/hints.ts',
    find: 'const asked = keys.filter((key) => mayHold(filter, key))',
    replace: 'const asked = keys.filter((key) => !mayHold(filter, key))',
  },
  {
    name: 'a member named as a prototype is taken',
    of: ['F16'],
    file: 'functions/bridge/model/attributes/json.ts',
    find: 'if (Object.hasOwn(value, PROTO)) return',
    replace: 'if (Object.hasOwn(value, PROTO) && value === undefined) return',
  },
  {
    name: 'what has no place in an index is listed',
    of: ['F19'],
    file: 'functions/bridge/tables/project.ts',
    find: 'if (sparse && keyAttributes(key).some(',
    replace: 'if (sparse && key === undefined && keyAttributes(key).some(',
  },
  {
    name: 'a delete that is overruled is never raised',
    of: ['F2'],
    file: 'functions/bridge/sync/overruled.ts',
    find: 'raised: new Map(lifted.filter(isDelete)',
    replace: 'raised: new Map(lifted.filter((one) => isDelete(one) && one.held.version < 0n)',
  },
  {
    name: 'a SIGNAL means what its number says',
    of: ['F10'],
    file: 'functions/bridge/drivers/sql-errors.ts',
    find: "if (isUsersOwn(sqlState)) return 'data'",
    replace: "if (isUsersOwn(sqlState) && errno === SIGNALLED) return 'data'",
  },
  {
    name: "a right that is missing is always the set-up's",
    of: ['F10'],
    file: 'functions/bridge/aurora/isolate.ts',
    find: "(kindOf(error) === 'configuration' && isRefusal(error))",
    replace: "(kindOf(error) === 'configuration' && isRefusal(error) && error.message === '')",
  },
  {
    name: "what is unknown is nobody's fault",
    of: ['F10'],
    file: 'functions/bridge/aurora/isolate.ts',
    find: "isOfChange(error) || kindOf(error) === 'unknown' ||",
    replace: 'isOfChange(error) ||',
  },
  {
    name: 'a lost connection is of an unknown kind',
    of: ['F11'],
    file: 'functions/bridge/drivers/sql-errors.ts',
    find: "['08', '25', '40', '70']",
    replace: "['25', '40', '70']",
    // So long that whoever doesn't know it blames the row.
    args: ['--failover', '75', '--patience', '240'],
  },
  {
    name: 'a value that another row holds is bad',
    of: ['F13'],
    file: 'functions/bridge/drivers/sql-errors.ts',
    find: '1761, 1762, ...UNIQUE]',
    replace: '1761, 1762]',
  },
  {
    name: 'a delete that is still referred to is bad',
    of: ['F14'],
    file: 'functions/bridge/model/outcome.ts',
    find: "  override readonly name = 'StillReferencedError'\n  readonly code = 'row.referenced'\n  readonly kind = 'dependency'",
    replace:
      "  override readonly name = 'StillReferencedError'\n  readonly code = 'row.referenced'\n  readonly kind = 'data'",
  },
  {
    name: 'what waits is called bad',
    of: ['F18'],
    file: 'functions/bridge/sync/follow.ts',
    find: "if (isWaiting(one)) log.warn('waiting', fields)",
    replace: "if (isWaiting(one) && evidence.length === 0) log.warn('waiting', fields)",
  },
]
