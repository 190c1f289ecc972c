import type { CopyPlan } from '../../../../functions/bridge/copy/copy-plan.ts'
import type { CopyReport } from '../../../../functions/bridge/copy/copy-report.ts'
import type { FollowedReport } from '../../../../functions/bridge/copy/followed.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { duration, grouped } from '../../conventions/figures.ts'
import type { Io } from '../../conventions/io.ts'
import { printFacts, printLine, printTable } from '../../conventions/results.ts'

/** A person reads no more; `--json` has more. */
const ROWS = 20

export type CopyVerdict = { readonly exit: ExitCode; readonly text: string; readonly next?: string }

/** Whether a copy that came to its end did what it should have, and else what to do. */
export const verdictOf = (
  { destination, equal, refusedItems, copied }: CopyReport,
  { request, destinationInUse }: CopyPlan,
  aurora: readonly FollowedReport[] = [],
): CopyVerdict => {
  if (refusedItems > 0)
    return {
      exit: EXIT.differences,
      text: `DynamoDB refused ${grouped(refusedItems)} items: they are not at the destination`,
      next: 'repair them at the source, then copy again',
    }
  if (copied === undefined)
    return destination?.items === 0
      ? { exit: EXIT.done, text: 'empty' }
      : {
          exit: EXIT.differences,
          text: 'not empty: something writes to it',
          next: 'stop that, then clean up again',
        }
  if (equal === true) return verdictWith(aurora)
  return {
    exit: EXIT.differences,
    text: 'they differ',
    next:
      !request.cleanupDestinationTable && destinationInUse
        ? 'the destination had items before, and keeps those whose keys the source has not: with --cleanup it has nothing else'
        : 'something writes to the destination: stop that, then copy again',
  }
}

/** Of equal tables. What is still on its way is no difference yet. */
const verdictWith = (aurora: readonly FollowedReport[]): CopyVerdict => {
  const parked = aurora.reduce((sum, report) => sum + report.parked + report.unreadable, 0)
  const toCome = aurora.reduce((sum, report) => sum + report.toCome, 0)
  if (parked > 0)
    return {
      exit: EXIT.differences,
      text: `equal, but Aurora does not take ${grouped(parked)} of the keys`,
      next: 'npx backsync parked list says which, and why',
    }
  return {
    exit: EXIT.done,
    text: 'equal',
    ...(toCome > 0 && { next: 'npx backsync parked list, once the stream has come to its end' }),
  }
}

export const printReport = (
  io: Io,
  { source, destination }: CopyPlan,
  report: CopyReport,
  {
    seconds,
    verdict,
    aurora,
  }: {
    readonly seconds: number
    readonly verdict: CopyVerdict
    readonly aurora: readonly FollowedReport[]
  },
): void => {
  const sides = [
    { name: source.name, side: 'source, as it was read', sum: report.source },
    { name: destination.name, side: 'destination', sum: report.destination },
  ]
  printTable(
    io,
    ['table', '', 'items', 'checksum'],
    sides.flatMap(({ name, side, sum }) =>
      sum === undefined ? [] : [[name, side, grouped(sum.items), sum.checksum]],
    ),
  )
  printFacts(io, {
    deleted: report.cleaned === undefined ? undefined : grouped(report.cleaned),
    copied: report.copied === undefined ? undefined : grouped(report.copied),
    ...Object.fromEntries(
      aurora.map(({ entity, keys, held, parked, toCome, unreadable }) => [
        `Aurora, ${entity}`,
        `${grouped(keys)} keys: ${grouped(held)} held, ${grouped(parked)} parked, ${grouped(toCome)} to come` +
          (unreadable > 0 ? `, ${grouped(unreadable)} not one` : ''),
      ]),
    ),
    took: duration(seconds),
    result: verdict.text,
    next: verdict.next,
  })
  if (report.refusedItems === 0) return
  printTable(
    io,
    ['refused', 'why'],
    report.refused.slice(0, ROWS).map(({ key, why }) => [key, why]),
  )
  const more = report.refusedItems - Math.min(ROWS, report.refused.length)
  if (more > 0) printLine(io, `and ${grouped(more)} more`)
}
