import {
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  Kysely,
  MysqlIntrospector,
  type QueryCompiler,
} from 'kysely'
import { DataApiAdapter } from './adapter.ts'
import type { DataApiConfig } from './client.ts'
import { DataApiDriver } from './driver.ts'
import { DataApiQueryCompiler } from './query-compiler.ts'

/** A Kysely dialect for Aurora MySQL over the RDS Data API. */
export class DataApiDialect implements Dialect {
  readonly #config: DataApiConfig

  constructor(config: DataApiConfig) {
    this.#config = config
  }

  createAdapter(): DialectAdapter {
    const config = this.#config
    return new DataApiAdapter(() => new Kysely({ dialect: new DataApiDialect(config) }), config.deadline)
  }

  createDriver(): Driver {
    return new DataApiDriver(this.#config)
  }

  createQueryCompiler(): QueryCompiler {
    return new DataApiQueryCompiler()
  }

  // biome-ignore lint/suspicious/noExplicitAny: the signature is Kysely's.
  createIntrospector(db: Kysely<any>): DatabaseIntrospector {
    return new MysqlIntrospector(db)
  }
}
