import type { Mutant } from '../mutants.ts'

const WRITE = 'functions/bridge/dynamo/mirrored-write.ts'
const TRIGGERS = 'functions/bridge/aurora/triggers/row-triggers.ts'
const RELAY = 'functions/bridge/mirror/relay.ts'

/**
 * Each guard of the mirror; the first leaves everything as it is. Where others hold as well whatever a run meets (a late write of the
 * relay's has an old version too; a page that fails as a whole stays in the log; a row at its item's version is lifted), the test is named that tells the guard from those.
 */
export const mutants: readonly Mutant[] = [
  {
    name: 'none: as it is',
    file: RELAY,
    find: 'Rows of the log that are carried over at once.',
    replace: 'Rows of the log that are carried over at once, as before.',
  },
  {
    name: 'the mirror writes over what DynamoDB owns',
    file: WRITE,
    find: "  '#owner = :aurora',",
    replace: "  '(#owner = :aurora OR attribute_exists(#key))',",
    test: 'test/functions/bridge/dynamo/entity-sink.property.test.ts',
  },
  {
    name: 'a row leaves the log while its move is half done',
    file: RELAY,
    find: '=> epoch === 0n || takenOver(entity, key, epoch)',
    replace: '=> epoch >= 0n || takenOver(entity, key, epoch)',
    test: 'test/functions/bridge/mirror/relay.test.ts',
  },
  {
    name: 'a row leaves the log whatever becomes of it',
    file: RELAY,
    find: "if (verdict === 'again') again += one.ids.length",
    replace: "if (verdict === 'again' && one.ids.length < 0) again += one.ids.length",
    test: 'test/functions/bridge/mirror/relay.test.ts',
  },
  {
    name: 'plain SQL on what DynamoDB owns is taken',
    file: 'functions/bridge/aurora/triggers/statements-in.ts',
    find: " <=> 'dynamo'`",
    replace: " <=> 'nobody'`",
  },
  {
    name: 'plain SQL raises no version',
    file: TRIGGERS,
    find: '      SET NEW.backsync_version = OLD.backsync_version + 1;\n    END IF;\n  ELSEIF',
    replace: '      SET NEW.backsync_version = OLD.backsync_version;\n    END IF;\n  ELSEIF',
    test: 'test/functions/bridge/aurora/triggers/in-row.test.ts',
  },
  {
    name: 'a new row is not logged',
    file: TRIGGERS,
    find: "logged(entity, 'upsert', recordOf('NEW', newKey))} END IF;",
    replace: "logged({ name: 'nobody' }, 'upsert', recordOf('NEW', newKey))} END IF;",
  },
  {
    name: 'what the mirror has written is no echo',
    file: 'functions/bridge/dynamo/move.ts',
    find: '(isMirrored(after, names) ? NOTHING : FOREIGN)',
    replace: "(isMirrored(after, names) ? { is: 'own', epoch: 0n } : FOREIGN)",
    test: 'test/functions/bridge/dynamo/move.test.ts',
  },
]
