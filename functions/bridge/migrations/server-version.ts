/** A server's kind and release. A part that isn't said is 0. */
export type ServerVersion = {
  readonly flavour: 'MySQL' | 'MariaDB'
  readonly parts: readonly [number, number, number]
}

/** Reads `@@version`: `8.0.36`, `10.11.19-MariaDB`; Aurora MySQL 3 has been seen to call itself `8.0.mysql_aurora.3.08.0`. */
export const serverVersionOf = (text: string): ServerVersion => {
  const [, a = 0, b = 0, c = 0] = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(text) ?? []
  return { flavour: /mariadb/i.test(text) ? 'MariaDB' : 'MySQL', parts: [Number(a), Number(b), Number(c)] }
}

/** Whether it is MySQL of that release or newer. */
export const isMySqlFrom = (
  { flavour, parts }: ServerVersion,
  ...least: [number, number, number]
): boolean => {
  if (flavour !== 'MySQL') return false
  const at = parts.findIndex((part, n) => part !== least[n])
  return at < 0 || (parts[at] ?? 0) > (least[at] ?? 0)
}
