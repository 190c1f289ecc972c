import {
  type CancellationReason,
  type DynamoDBClient,
  TransactionCanceledException,
  type TransactWriteItem,
} from '@aws-sdk/client-dynamodb'

/**
 * Takes every write and every check of a tombstone out of a client's transactions: with that, deletes must come back,
 * or the tests of tombstones test nothing.
 */
export const withoutTombstones = (client: DynamoDBClient, tombstones: string): void =>
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        if (commandName !== 'TransactWriteItemsCommand' || !hasActions(args.input)) return next(args)
        const actions = args.input.TransactItems
        const kept = actions.map((action) => tableOf(action) !== tombstones)
        try {
          const TransactItems = actions.filter((_, at) => kept[at])
          return await next({ ...args, input: { ...args.input, TransactItems } })
        } catch (error) {
          if (!(error instanceof TransactionCanceledException)) throw error
          // Each reason stands at its action's place.
          const reasons = (error.CancellationReasons ?? []).values()
          const none: CancellationReason = { Code: 'None' }
          error.CancellationReasons = kept.map((own) => (own ? (reasons.next().value ?? none) : none))
          throw error
        }
      },
    { step: 'initialize' },
  )

/** Takes the comparison of versions out of a client's puts: with that, older writes must undo later ones. */
export const withoutVersions = (client: DynamoDBClient): void =>
  client.middlewareStack.add(
    (next, { commandName }) =>
      (args) => {
        if (commandName !== 'TransactWriteItemsCommand' || !hasActions(args.input)) return next(args)
        const TransactItems = args.input.TransactItems.map(unguarded)
        return next({ ...args, input: { ...args.input, TransactItems } })
      },
    { step: 'initialize' },
  )

const COMPARISON = ' AND #version < :version'

const unguarded = (action: TransactWriteItem): TransactWriteItem => {
  const { Put } = action
  if (Put?.ConditionExpression?.includes(COMPARISON) !== true) return action
  const { '#version': _, ...names } = Put.ExpressionAttributeNames ?? {}
  const { ':version': __, ...values } = Put.ExpressionAttributeValues ?? {}
  return {
    Put: {
      ...Put,
      ConditionExpression: Put.ConditionExpression.replace(COMPARISON, ''),
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: values,
    },
  }
}

const hasActions = (input: object): input is { readonly TransactItems: readonly TransactWriteItem[] } =>
  'TransactItems' in input && Array.isArray(input.TransactItems)

const tableOf = ({ Put, Delete, ConditionCheck, Update }: TransactWriteItem): string | undefined =>
  (Put ?? Delete ?? ConditionCheck ?? Update)?.TableName
