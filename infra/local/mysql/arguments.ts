import type { Flavour } from './flavour.ts'

/**
 * Aurora MySQL 3's default sql_mode. MariaDB's own lacks ONLY_FULL_GROUP_BY and the zero-date modes, and
 * would so accept statements that Aurora refuses.
 */
const auroraSqlMode =
  'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'

/** Rounds fractions of seconds that a column has no place for, as every MySQL does; MariaDB would cut them off. */
const rounding: Readonly<Record<Flavour, string>> = { mysql: '', mariadb: ',TIME_ROUND_FRACTIONAL' }

/** Aurora's sql_mode, and what a server needs besides to do what Aurora does. */
export const sqlModeOf = (flavour: Flavour): string => `${auroraSqlMode}${rounding[flavour]}`

/** Where a server has its temporary tables, seen from its data folder. */
export const temporaryFolder = '../mysql-tmp'

/** MySQL and MariaDB refuse to run as root unless told so in words. */
export const userArguments = (): string[] => (process.getuid?.() === 0 ? ['--user=root'] : [])

/**
 * The command line of the private server.
 *
 * The binary log stays as the server's default has it (on for MySQL 8 and 9, off for MariaDB): with it on,
 * MySQL refuses more, such as `ALTER TABLE … DEFAULT (uuid())`, and what passes here passes on Aurora either way.
 */
export const serverArguments = (server: { flavour: Flavour; dataFolder: string; port: number }): string[] => [
  // Must be the first: no my.cnf of the machine may change what runs here.
  '--no-defaults',
  `--datadir=${server.dataFolder}`,
  // A server that starts removes whatever temporary tables it finds, also those of another one that runs.
  // Relative to the data folder: a colon in an absolute path would separate two folders.
  `--tmpdir=${temporaryFolder}`,
  `--port=${server.port}`,
  '--bind-address=127.0.0.1',
  // Relative to the data folder, since a socket's whole path may have about 100 characters only.
  '--socket=mysqld.sock',
  '--pid-file=mysqld.pid',
  ...userArguments(),
  `--sql-mode=${sqlModeOf(server.flavour)}`,
  '--character-set-server=utf8mb4',
  '--default-time-zone=+00:00',
  '--transaction-isolation=REPEATABLE-READ',
  '--max-allowed-packet=64M',
  // MySQL 8's and Aurora's default. MariaDB's own locks the whole table's counter for each INSERT … SELECT, and
  // answers two at once with errno 1467.
  '--innodb-autoinc-lock-mode=2',
  // Not flushed to the disk at each commit: a commit still reaches the system's page cache, so it survives the
  // death of the server, and only a power cut may cost the last second. On a laptop's disk that is ten times faster.
  '--innodb-flush-log-at-trx-commit=2',
  '--innodb-buffer-pool-size=128M',
  '--performance-schema=OFF',
  ...(server.flavour === 'mysql' ? mysqlOnly : []),
]

const mysqlOnly: readonly string[] = [
  '--mysqlx=OFF',
  // Debian's build expects a folder that only its full package creates.
  '--secure-file-priv=NULL',
  '--sync-binlog=0',
  '--binlog-expire-logs-seconds=3600',
  // Aurora's binary log is off by default, and its users may then create triggers without SUPER.
  '--log-bin-trust-function-creators=ON',
]
