import { CanaryError, runCanary } from '../../../../functions/bridge/cutover/canary.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { parseExactJson } from '../../../../functions/bridge/model/exact-json.ts'
import type { Context } from '../../conventions/command.ts'
import { confirm } from '../../conventions/confirm.ts'
import { CliError, usageError } from '../../conventions/errors.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { printFacts, printJson } from '../../conventions/results.ts'
import { openCutover } from '../../target/open-cutover.ts'

export const runCanaryCommand = async (
  context: Context,
  entity: Entity,
  body: unknown,
): Promise<ExitCode> => {
  const { io, json, target, dryRun, yes, interrupt } = context
  const { name } = entity
  const row = entity.body.safeParse(parseExactJson(JSON.stringify(body ?? entity.example)))
  if (!row.success) throw usageError(`--body is no valid ${name}: ${row.error.issues[0]?.message ?? ''}`)
  if (dryRun) {
    const facts = { route: name, canary: 'would be made, moved there and back, and deleted' }
    if (json) printJson(io, { ...facts, dryRun })
    else printFacts(io, facts)
    return EXIT.done
  }
  const what = `Making a ${name}, and moving it to Aurora and back, on ${target.description}`
  await confirm(io, { what, expected: target.name, yes, signal: interrupt })
  const outcome = await runCanary(entity, row.data, {
    ...openCutover(context).canary,
    signal: interrupt,
    onStep: (step) => io.stderr.write(`${step}\n`),
  }).catch((cause: unknown) => {
    if (!(cause instanceof CanaryError)) throw cause
    const hint = 'see npx backsync parked list, and undelivered list; nothing of it is left'
    throw new CliError({ code: cause.code, message: cause.message, hint, exit: EXIT.failed }, { cause })
  })
  if (json) printJson(io, { route: name, ...outcome, toDynamo: outcome.toDynamo ?? null, dryRun })
  else
    printFacts(io, {
      route: name,
      canary: `${outcome.key} went there and back, and is deleted`,
      'to Aurora': `${outcome.toAurora} ms`,
      'to DynamoDB': outcome.toDynamo === undefined ? 'not mirrored' : `${outcome.toDynamo} ms`,
    })
  return EXIT.done
}
