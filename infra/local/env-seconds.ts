/**
 * A setting of the environment that is a number of seconds.
 *
 * @returns undefined where nothing is said
 * @throws Error naming the variable that is no whole number of seconds above 0
 */
export const secondsIn = (env: NodeJS.ProcessEnv, name: string): number | undefined => {
  const text = env[name]
  if (text === undefined || text === '') return undefined
  if (/^\d{1,7}$/.test(text) && Number(text) > 0) return Number(text)
  throw new Error(`${name}: expected whole seconds above 0, got ${text}`)
}
