import { openDatabase } from '../../../functions/bridge/aurora/open.ts'
import type { lintMigration } from '../../../functions/bridge/migrations/lint.ts'
import {
  type Against,
  cascadeAgainst,
  contractAgainst,
  ENTITY_RULES,
  SCHEMA_RULES,
  SchemaLint,
} from '../../../functions/bridge/migrations/lint-schema.ts'
import type { StageOf } from '../../../functions/bridge/migrations/needed.ts'
import type { SplitStatement } from '../../../functions/bridge/migrations/split.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import { entities } from '../../../functions/entities/index.ts'
import type { Context } from '../conventions/command.ts'
import { checkoutTarget } from './checkout.ts'
import { openRoutes } from './open-cutover.ts'
import { openMigrator } from './open-migrator.ts'
import { outputOf } from './target.ts'

type Beyond = NonNullable<Parameters<typeof lintMigration>[3]>
type Given = Pick<Context, 'target' | 'io' | 'debug' | 'interrupt'>

/** Where a stack's routes stand, each asked once. */
export const stagesOf = (context: Given): StageOf => {
  const known = new Map<string, ReturnType<StageOf>>()
  return (entity) => {
    const asked =
      known.get(entity) ??
      openRoutes(context)
        .read(entity)
        .then(({ route }) => route)
    known.set(entity, asked)
    return asked
  }
}

/** What lint knows beyond the text: the entities of this checkout and, of a stack, its routes, and its schema for what is pending. */
export const openLintLook = async (
  context: Given,
  folder: string,
): Promise<{ beyond(name: string, statements: readonly SplitStatement[]): Promise<Beyond> }> => {
  const { target } = context
  if (target === checkoutTarget)
    return {
      beyond: async (_, statements) => ({
        rules: ENTITY_RULES,
        against: await each(statements, ({ text }) => ofEntities(text, async () => undefined)),
      }),
    }
  const { migrator, close } = openMigrator(context, { folder })
  const standings = await migrator.standings().finally(close)
  const config = {
    CLUSTER_ARN: outputOf(target, 'ClusterArn'),
    SECRET_ARN: outputOf(target, 'SecretArn'),
    DATABASE_NAME: outputOf(target, 'DatabaseName'),
  }
  const schema = new SchemaLint(openDatabase(config, new Deadline()))
  const stages = stagesOf(context)
  return {
    beyond: async (name, statements) => {
      const standing = standings.find(({ migration, line }) => line === 'team' && migration === name)
      const done = standing?.done ?? 0
      // What is done can't be asked of a schema that has it: its answers stay as they are.
      if (done === statements.length) return { rules: [], against: [] }
      return {
        rules: [...ENTITY_RULES, ...SCHEMA_RULES],
        against: await each(statements, async ({ text }, at) =>
          at < done ? [] : [...(await ofEntities(text, stages)), ...(await schema.against(text))],
        ),
      }
    },
  }
}

const ofEntities = async (text: string, stages: StageOf): Promise<readonly Against[]> => [
  ...(await contractAgainst(text, entities, stages)),
  ...cascadeAgainst(text, entities),
]

const each = async (
  statements: readonly SplitStatement[],
  look: (statement: SplitStatement, at: number) => Promise<readonly Against[]>,
): Promise<(readonly Against[])[]> => {
  const against: (readonly Against[])[] = []
  for (const [at, statement] of statements.entries()) against.push(await look(statement, at))
  return against
}
