import { randomUUID } from 'node:crypto'
import { cp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { sharedAssembly } from '../support/assemblies.ts'

/** Seconds that an invocation of the impatient twin may take. */
export const IMPATIENT_SECONDS = 3
/** Its logical id. */
export const IMPATIENT = 'ImpatientBackSync'

const templateSchema = z.looseObject({
  Resources: z.record(
    z.string(),
    z.looseObject({ Type: z.string(), Properties: z.record(z.string(), z.unknown()).default({}) }),
  ),
})

/**
 * Synthesises the stack as it is deployed, and adds one function: the back-sync's twin, from the same bundle and with
 * the same environment, but with a short timeout. No event source mapping invokes it; the soak does, to see
 * invocations time out whose statements land later. The real one keeps its minute.
 *
 * @returns the folder of the cloud assembly
 * @throws SynthError; Error when the template has no back-sync function
 */
export const soakAssembly = async (
  home: string,
  context: Readonly<Record<string, string>>,
  { app, signal }: { readonly app?: string | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<string> => {
  const folder = await sharedAssembly(context, { ...(app !== undefined && { app }), signal })
  const own = join(home, 'soak.out')
  const draft = `${own}.${randomUUID()}`
  await cp(folder, draft, { recursive: true })
  const file = join(draft, 'Backsync.template.json')
  const template = templateSchema.parse(JSON.parse(await readFile(file, 'utf8')))
  const [backSync] = Object.entries(template.Resources).filter(
    ([id, { Type }]) => Type === 'AWS::Lambda::Function' && id.startsWith('BackSyncFunction'),
  )
  if (backSync === undefined) throw new Error('the template has no back-sync function')
  const [, { Properties, ...resource }] = backSync
  template.Resources[IMPATIENT] = { ...resource, Properties: { ...Properties, Timeout: IMPATIENT_SECONDS } }
  await writeFile(file, JSON.stringify(template))
  await rm(own, { recursive: true, force: true })
  await rename(draft, own)
  return own
}
