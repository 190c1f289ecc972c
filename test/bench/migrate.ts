import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { parseArgs } from 'node:util'
import mysql from 'mysql2/promise'
import { DataApiClient } from '../../functions/bridge/drivers/data-api/client.ts'
import type { Migration } from '../../functions/bridge/migrations/files.ts'
import { MigrationLedgers } from '../../functions/bridge/migrations/ledgers.ts'
import { MigrationLock } from '../../functions/bridge/migrations/lock.ts'
import { Migrator } from '../../functions/bridge/migrations/migrator.ts'
import { requireServerSettings } from '../../functions/bridge/migrations/server-settings.ts'
import { splitStatements } from '../../functions/bridge/migrations/split.ts'
import { Deadline } from '../../functions/bridge/runtime/deadline.ts'
import { type Parts, withParts } from './data-api/parts.ts'

const USAGE = `npm run bench:migrate -- [--migrations N] [--seconds N]

Applies migrations of ten statements each over the local Data API endpoint, as "migrate up" does, each statement recorded; and runs the
same file in MySQL's own client (mysql or mariadb of the PATH), or where there is none by mysql2, on the same server in the same run. Prints
JSON lines.

  --migrations N  how many; default 200
  --seconds N     ends the run of migrations between two statements then; default 300
`

/** Ten statements of a team's usual kind, of a table of their own. */
const tenOf = (n: number): string => `
CREATE TABLE bench_${n} (id INT PRIMARY KEY, name VARCHAR(100) NOT NULL, n INT NOT NULL DEFAULT 0);
INSERT INTO bench_${n} (id, name) VALUES (1, 'soup'), (2, 'bread');
INSERT INTO bench_${n} (id, name) VALUES (3, 'a; b'), (4, 'it''s');
ALTER TABLE bench_${n} ADD COLUMN m INT NULL;
UPDATE bench_${n} SET m = id WHERE id > 1;
CREATE INDEX by_name ON bench_${n} (name);
INSERT INTO bench_${n} (id, name, m) SELECT id + 10, name, m FROM bench_${n};
ALTER TABLE bench_${n} ADD COLUMN k INT NOT NULL DEFAULT 7;
UPDATE bench_${n} SET n = n + 1 WHERE id > 10;
DELETE FROM bench_${n} WHERE id = 4;
`

const migrationOf = (n: number): Migration => {
  const text = tenOf(n)
  return {
    ...{ id: n, name: `${String(n).padStart(4, '0')}_bench`, downStatements: [] },
    statements: splitStatements(text).map((statement) => statement.text),
    checksum: createHash('sha256').update(text).digest('hex'),
  }
}

/** @returns undefined where there is no such program, or one that can't log in, as MariaDB's on MySQL 9: it says so itself */
const runClient = async (
  program: string,
  args: readonly string[],
  text: string,
): Promise<number | undefined> => {
  const begin = performance.now()
  const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'inherit'] })
  const ended = new Promise<number | undefined>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ENOENT' ? resolve(undefined) : reject(error),
    )
    child.once('close', (code) => resolve(code === 0 ? performance.now() - begin : undefined))
  })
  // Of a program that there isn't nothing can be written to.
  child.stdin.on('error', () => undefined).end(text)
  return ended
}

const byClient = async ({ direct, target }: Parts, text: string): Promise<{ client: string; ms: number }> => {
  const { host = '127.0.0.1', port = 3306, user = 'root', password = '' } = direct.config
  const database = `${target.database}_c`
  await direct.query('CREATE DATABASE ?? CHARACTER SET utf8mb4', [database])
  try {
    const args = [
      `--host=${host}`,
      `--port=${port}`,
      `--user=${user}`,
      ...(password ? [`--password=${password}`] : []),
      database,
    ]
    for (const client of ['mysql', 'mariadb']) {
      const ms = await runClient(client, args, text)
      if (ms !== undefined) return { client, ms }
    }
    const begin = performance.now()
    const connection = await mysql.createConnection({ host, port, user, password: password || '', database })
    for (const statement of splitStatements(text)) await connection.query(statement.text)
    await connection.end()
    return { client: 'mysql2', ms: performance.now() - begin }
  } finally {
    await direct.query('DROP DATABASE ??', [database])
  }
}

const byMigrator = async (
  { dialect: db, sdk, target }: Parts,
  team: readonly Migration[],
  seconds: number,
): Promise<{ ms: number; statements: number }> => {
  const deadline = new Deadline()
  const client = new DataApiClient({ client: sdk, ...target, deadline })
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const over = AbortSignal.timeout(seconds * 1000)
  let statements = 0
  const migrator = new Migrator({
    ...{ bridge: [], team, deadline, log, by: 'bench', signal: over },
    ledgers: new MigrationLedgers(db),
    lock: new MigrationLock(db, 'bench'),
    requireSettings: () => requireServerSettings(db),
    run: async (sql) => {
      await client.execute({ sql, continueAfterTimeout: true })
    },
    onStatement: ({ milliseconds }) => {
      if (milliseconds !== undefined) statements += 1
    },
  })
  const begin = performance.now()
  try {
    await migrator.apply()
  } catch (error) {
    if (!over.aborted) throw error
  }
  return { ms: performance.now() - begin, statements }
}

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      migrations: { type: 'string', default: '200' },
      seconds: { type: 'string', default: '300' },
      help: { type: 'boolean' },
    },
  })
  if (values.help) {
    process.stdout.write(USAGE)
    return
  }
  const [count, seconds] = [Number(values.migrations), Number(values.seconds)]
  if (!(Number.isInteger(count) && count > 0 && count <= 1_000))
    throw new TypeError('--migrations must be from 1 to 1000')
  if (!(seconds > 0 && seconds <= 600)) throw new TypeError('--seconds must be from 1 to 600')
  await withParts(async (parts) => {
    const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)
    const numbers = Array.from({ length: count }, (_, n) => n + 1)
    const all = count * 10
    const client = await byClient(parts, numbers.map(tenOf).join(''))
    print({
      engine: parts.engine,
      what: 'client',
      ...client,
      statements: all,
      msPerStatement: client.ms / all,
    })
    const { ms, statements } = await byMigrator(parts, numbers.map(migrationOf), seconds)
    const msPerStatement = ms / statements
    print({
      engine: parts.engine,
      what: 'migrate up',
      migrations: count,
      ms,
      statements,
      of: all,
      msPerStatement,
    })
    print({ engine: parts.engine, what: 'ratio', times: msPerStatement / (client.ms / all) })
    if (statements < all) print({ skipped: `${all - statements} statements: --seconds ${seconds} were over` })
  })
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n\n${USAGE}`)
  process.exitCode = 1
})
