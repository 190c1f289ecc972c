import type {
  Kysely,
  KyselyPlugin,
  PluginTransformQueryArgs,
  PluginTransformResultArgs,
  QueryId,
  QueryResult,
  RootOperationNode,
  UnknownRow,
} from 'kysely'

const marked = new WeakSet<QueryId>()

class MarkIdempotent implements KyselyPlugin {
  transformQuery({ node, queryId }: PluginTransformQueryArgs): RootOperationNode {
    marked.add(queryId)
    return node
  }

  async transformResult({ result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    return result
  }
}

/**
 * The same database, its statements marked as harmless to run more than once. Outside a transaction such a statement is
 * sent again when its answer was lost, although it may have run. Reads need no mark.
 */
export const idempotently = <DB>(db: Kysely<DB>): Kysely<DB> => db.withPlugin(new MarkIdempotent())

export const isMarkedIdempotent = (queryId: QueryId): boolean => marked.has(queryId)
