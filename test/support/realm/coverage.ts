import { type Profiler, Session } from 'node:inspector/promises'

let session: Session | undefined

/**
 * Has V8 count what runs, from now to the worker's end: modules are loaded once, and one that V8 has compiled before it
 * counts would have its branches counted never.
 */
export const startCounting = async (): Promise<void> => {
  if (session !== undefined) return
  session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
}

/** What has run since this was asked last. @throws Error when nothing was to be counted */
export const takeCounts = async (): Promise<readonly Profiler.ScriptCoverage[]> => {
  if (session === undefined) throw new Error('nothing was counted')
  return (await session.post('Profiler.takePreciseCoverage')).result
}
