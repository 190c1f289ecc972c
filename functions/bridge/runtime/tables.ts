import { ConfigurationError } from '../model/errors.ts'

/** Tables' names in DynamoDB by their names in this project: what the setting TABLES says. */
export class Tables {
  readonly names: Readonly<Record<string, string>>

  constructor(names: Readonly<Record<string, string>>) {
    this.names = names
  }

  /**
   * The name in DynamoDB of a table of this project.
   *
   * @throws ConfigurationError when the setting has none for it
   */
  of(name: string): string {
    // A table may be called `constructor`.
    const table = Object.hasOwn(this.names, name) ? this.names[name] : undefined
    if (table === undefined) throw new ConfigurationError([`TABLES names no table for ${name}`])
    return table
  }

  /**
   * These tables, once it is sure that all of those are among them. A function asks for what it will need when it is
   * loaded, so that a deployment shows what is missing, and not the first write.
   *
   * @throws ConfigurationError naming each that the setting has none for
   */
  including(needed: Iterable<string>): Tables {
    const missing = [...new Set(needed)].filter((name) => !Object.hasOwn(this.names, name))
    if (missing.length === 0) return this
    throw new ConfigurationError(missing.map((name) => `TABLES names no table for ${name}`))
  }
}
