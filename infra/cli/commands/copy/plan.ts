import type { CopyClients, CopyPlan, CopyStep } from '../../../../functions/bridge/copy/copy-plan.ts'
import type { TableFacts } from '../../../../functions/bridge/drivers/dynamo/describe.ts'
import { keyAttributes } from '../../../../functions/bridge/drivers/dynamo/key-schema.ts'
import { bytes, grouped } from '../../conventions/figures.ts'
import type { Io } from '../../conventions/io.ts'
import { printFacts, printTable } from '../../conventions/results.ts'

/** A table of a copy, as scripts get it. */
type Side = {
  readonly table: string
  readonly region: string
  /** DynamoDB's own figures, up to six hours old. */
  readonly estimate: { readonly items: number; readonly bytes: number }
  /** `email (S), city (S)`, partition key first. */
  readonly key: string
}

/** What a copy will do, as scripts get it. */
export type PlanFacts = {
  readonly job: string
  readonly from: Side
  readonly to: Side & { readonly inUse: boolean }
  readonly steps: readonly CopyStep[]
  /** The step at which an interrupted one goes on; null for a new one. */
  readonly goesOnAt: string | null
  /** Whether the destination's name has to be typed, or --yes given. */
  readonly asks: boolean
  /** Present where a stream follows the destination: what is written there goes on to the other side. */
  readonly followed?: true
}

export const factsOf = async (
  plan: CopyPlan,
  clients: CopyClients,
): Promise<Omit<PlanFacts, 'goesOnAt' | 'asks'>> => ({
  job: plan.job,
  from: sideOf(plan.source, await clients.source.config.region()),
  to: {
    ...sideOf(plan.destination, await clients.destination.config.region()),
    inUse: plan.destinationInUse,
  },
  steps: plan.steps,
  ...(plan.destination.followed && { followed: true }),
})

const sideOf = ({ name, items, bytes: size, key }: TableFacts, region: string): Side => ({
  table: name,
  region,
  estimate: { items, bytes: size },
  key: keyAttributes(key)
    .map((attribute) => `${attribute.name} (${attribute.type})`)
    .join(', '),
})

/** The local DynamoDB knows items and no bytes. */
const estimateText = ({ items, bytes: size }: Side['estimate']): string =>
  `${grouped(items)} items${size === 0 ? '' : `, ${bytes(size)}`}`

/** Both tables side by side, and what is done in which order. */
export const printPlan = (io: Io, { from, to, steps, goesOnAt, asks, followed }: PlanFacts): void => {
  const row = (name: string, of: (side: Side) => string): string[] => [name, of(from), of(to)]
  printTable(
    io,
    ['', 'source', 'destination'],
    [
      row('table', ({ table }) => table),
      row('region', ({ region }) => region),
      row('estimate', ({ estimate }) => estimateText(estimate)),
      row('key', ({ key }) => key),
    ],
  )
  const does: Record<CopyStep, string> = {
    cleanup: `delete all items of ${to.table}${to.inUse ? '' : ', which has none'}`,
    migrate: `copy all items of ${from.table}`,
    verify: `read ${to.table}, and compare count and checksum`,
  }
  printFacts(io, {
    ...Object.fromEntries(steps.map((step, at) => [`${at + 1}. ${step}`, does[step]])),
    ...(goesOnAt !== null && { 'goes on': `an earlier one stopped at ${goesOnAt}` }),
    ...(followed && {
      followed: `a stream carries what is ${steps.includes('cleanup') ? 'deleted and ' : ''}written to ${to.table} on to the other side; versions that step back are lifted, or parked there`,
    }),
    ...(asks && { asks: `for the name ${to.table}, unless --yes is given` }),
  })
}
