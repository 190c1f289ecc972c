import type { ITable } from 'aws-cdk-lib/aws-dynamodb'
import { Construct } from 'constructs'
import type { Settings } from '../settings.ts'
import { pascalCase } from './pascal-case.ts'
import { PlainTable, type ProjectionDescription, type TableDescription } from './plain-table.ts'
import { tableNames } from './table-names.ts'

export interface DeclaredTablesProps {
  readonly settings: Settings
  /** The tables that jobs read, and the sources of projections. */
  readonly tables: readonly TableDescription[]
  readonly projections: readonly ProjectionDescription[]
  /** Tables that are there already, such as those of entities, by their names in this project. @default none */
  readonly existing?: ReadonlyMap<string, ITable>
}

/** The tables of functions/tables: a new one for each that isn't there yet, the targets of projections included. */
export class DeclaredTables extends Construct {
  /** Each by its name in this project, in the order of their declarations. */
  readonly byName: ReadonlyMap<string, ITable>
  /** Those that are made here. */
  readonly made: readonly PlainTable[]

  /** @throws TypeError when two declarations name one table, or a projection's source is none of them */
  constructor(scope: Construct, id: string, props: DeclaredTablesProps) {
    super(scope, id)
    const { settings, projections, existing = new Map<string, ITable>() } = props
    const declared = [...props.tables, ...projections]
    for (const [at, { name }] of declared.entries())
      if (declared.findIndex((other) => other.name === name) !== at)
        throw new TypeError(`${name} is declared twice`)
    for (const { name, from } of projections)
      if (!declared.some((table) => table.name === from.name))
        throw new TypeError(`${name} is kept by ${from.name}, which is no declared table`)

    const followed = new Set(projections.map(({ from }) => from.name))
    const all = declared.map(({ name, key }) => {
      const known = existing.get(name)
      return new PlainTable(this, pascalCase(name), {
        settings,
        name,
        key,
        followed: followed.has(name),
        ...(known && { existing: known }),
      })
    })
    this.byName = new Map(all.map(({ name, table }) => [name, table]))
    this.made = all.filter(({ name }) => !existing.has(name))
  }

  /** @throws TypeError when no such table is declared */
  table(name: string): ITable {
    const table = this.byName.get(name)
    if (table) return table
    throw new TypeError(`${name} is no declared table; they are ${[...this.byName.keys()].join(', ')}`)
  }

  /** What a function needs that tells it where some of the tables are. @default names all of them */
  environment(names: readonly string[] = [...this.byName.keys()]): Readonly<Record<string, string>> {
    return tableNames(
      this,
      names.map((name) => ({ name, table: this.table(name) })),
    )
  }
}
