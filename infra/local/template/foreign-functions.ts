import { existsSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import * as z from 'zod'
import type { FunctionDefinition } from '../lambda/function.ts'
import type { Assembly } from './assembly.ts'
import { TemplateError } from './errors.ts'

/*
 * Functions that the stack may invoke and that are not its own: deployed by somebody else, so that there is nothing of them in the
 * template. A setting says which module plays each of them here.
 */

/** The setting: `name=module` for each, with commas between. */
export const FUNCTIONS_SETTING = 'BACKSYNC_FUNCTIONS'

/** What such a function gets, as nothing here knows how it is deployed. */
const TIMEOUT_SECONDS = 30
const MEMORY_MIB = 1_024

const oneOrMore = z.union([z.unknown().array(), z.unknown().transform((one) => [one])])
const policy = z.object({
  PolicyDocument: z.object({ Statement: z.array(z.object({ Action: oneOrMore, Resource: oneOrMore })) }),
})

/** The functions that the stack may invoke and that are not its own, by their ARNs. */
const foreignArns = (assembly: Assembly, own: readonly FunctionDefinition[]): string[] => {
  const known = new Set(own.map(({ arn }) => arn))
  const arns = Object.values(assembly.template.Resources).flatMap(({ Type, Properties }) => {
    const read = Type === 'AWS::IAM::Policy' ? policy.safeParse(Properties).data : undefined
    return (read?.PolicyDocument.Statement ?? []).flatMap(({ Action, Resource }) =>
      Action.includes('lambda:InvokeFunction') ? Resource.filter((one) => typeof one === 'string') : [],
    )
  })
  return [...new Set(arns)].filter((arn) => !known.has(arn)).sort()
}

const NAME = /:function:([\w-]+)/

/** @throws TemplateError */
const readSetting = (setting: string, repository: string): ReadonlyMap<string, string> => {
  const modules = new Map<string, string>()
  for (const one of setting.split(',').map((text) => text.trim())) {
    if (one === '') continue
    const [, name, path] = /^([\w-]+)=(\S+)$/.exec(one) ?? []
    if (name === undefined || path === undefined)
      throw faulty(`expected name=module for each function, with commas between, got "${one}"`)
    if (modules.has(name)) throw faulty(`names ${name} twice`)
    const module = join(repository, path)
    if (!existsSync(module))
      throw faulty(`${path} of ${name} is not there: it is a path below the repository`)
    modules.set(name, module)
  }
  return modules
}

/** Functions that are not the stack's: those that modules play here, and what to say of those that none does. */
export type ForeignFunctions = {
  readonly played: readonly FunctionDefinition[]
  /** What is missing, and the line to add; undefined where nothing is. */
  readonly missing: string | undefined
}

/**
 * The foreign functions of a stack, each played by the module that the setting names for it. It sees the environment of a function of
 * the stack that calls it. Calls of one that nobody plays fail, as those of a function that is not there.
 *
 * @param own the stack's own functions
 * @param setting the text of the setting; absent: none
 * @param repository the folder that modules are named from
 * @throws TemplateError for a setting that can't be read, or names what the stack doesn't call
 */
export const foreignFunctions = (
  assembly: Assembly,
  own: readonly FunctionDefinition[],
  { setting = '', repository }: { readonly setting?: string | undefined; readonly repository: string },
): ForeignFunctions => {
  const arns = foreignArns(assembly, own)
  const modules = readSetting(setting, repository)
  const names = new Map(arns.map((arn) => [arn, NAME.exec(arn)?.[1] ?? arn]))
  const taken = new Set(own.map(({ name }) => name))
  const stranger = [...modules.keys()].find((name) => ![...names.values()].includes(name))
  if (stranger !== undefined)
    throw faulty(
      taken.has(stranger)
        ? `${stranger} is a function of this stack: the template has its code`
        : `the stack calls no function ${stranger}`,
    )
  const missing = arns.filter((arn) => !modules.has(names.get(arn) ?? ''))
  const byName = new Map([...names].map(([arn, name]) => [name, arn]))
  return {
    played: [...modules].map(([name, module]) => definitionOf(name, byName.get(name) ?? '', module, own)),
    missing: missing.length > 0 ? askFor(missing, names) : undefined,
  }
}

const definitionOf = (
  name: string,
  arn: string,
  module: string,
  own: readonly FunctionDefinition[],
): FunctionDefinition => {
  const file = module.slice(dirname(module).length + 1)
  const caller = own.find(({ environment }) =>
    Object.values(environment).some((value) => value.includes(arn)),
  )
  return {
    ...{ name, arn, folder: dirname(module), handler: `${file.slice(0, -extname(file).length)}.handler` },
    ...{ timeoutSeconds: TIMEOUT_SECONDS, memoryMiB: MEMORY_MIB, environment: caller?.environment ?? {} },
  }
}

const askFor = (arns: readonly string[], names: ReadonlyMap<string, string>): string => {
  const example = arns.map((arn) => `${names.get(arn)}=functions/legacy/${names.get(arn)}.js`)
  return (
    `no function of this stack, so that calls of it fail here: ${arns.join(', ')}. Name a module of its code that plays it, ` +
    `by its path below the repository: ${FUNCTIONS_SETTING}=${[...new Set(example)].join(',')}`
  )
}

const faulty = (reason: string): TemplateError =>
  new TemplateError('template.foreign-function', FUNCTIONS_SETTING, reason)
