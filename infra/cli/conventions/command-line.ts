/**
 * The command as it was called, to be pasted into a shell.
 *
 * @param args behind `backsync`
 * @param omit flags that must not be in it: what goes on must not begin anew
 */
export const commandLine = (args: readonly string[], omit: readonly string[] = []): string =>
  ['npx backsync', ...args.filter((arg) => !omit.includes(arg)).map(quoted)].join(' ')

/** Single quotes keep everything but themselves. */
const quoted = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
