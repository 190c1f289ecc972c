import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { TemplateError } from './errors.ts'

const resourceSchema = z.object({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  DependsOn: z
    .union([z.string(), z.array(z.string())])
    .transform((ids) => (typeof ids === 'string' ? [ids] : ids))
    .default([]),
  Condition: z.string().optional(),
  Metadata: z.record(z.string(), z.unknown()).optional(),
})

const templateSchema = z.object({
  Parameters: z.record(z.string(), z.object({ Default: z.unknown() })).default({}),
  Mappings: z.record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown()))).default({}),
  Conditions: z.record(z.string(), z.unknown()).default({}),
  Resources: z.record(z.string(), resourceSchema),
  Outputs: z.record(z.string(), z.object({ Value: z.unknown() })).default({}),
})

const manifestSchema = z.object({
  artifacts: z.record(
    z.string(),
    z.object({
      type: z.string(),
      properties: z
        .object({ templateFile: z.string().optional(), stackName: z.string().optional() })
        .optional(),
    }),
  ),
})

const assetsSchema = z.object({
  files: z.record(
    z.string(),
    z.object({
      source: z.object({ path: z.string().optional(), packaging: z.string().optional() }),
      destinations: z.record(z.string(), z.object({ objectKey: z.string() })),
    }),
  ),
})

/** A resource as the template has it, intrinsics unresolved. */
export type Resource = z.infer<typeof resourceSchema>

/** The parts of a CloudFormation template that the local runtime reads. */
export type Template = z.infer<typeof templateSchema>

/** One synthesised stack: its template and where the folders of its code assets are. */
export type Assembly = {
  readonly stackName: string
  readonly template: Template
  /** Absolute folder by the S3 key under which the asset would be uploaded. */
  readonly assetFolders: ReadonlyMap<string, string>
  /** Absolute folder of the bundles' source maps, for those that have one. */
  readonly sourceMaps?: string
}

/**
 * Reads a cloud assembly (`cdk.out`) that holds exactly one stack.
 *
 * @throws TemplateError `template.unreadable` when a file is missing or has another shape,
 *   `template.unsupported` when there is not exactly one stack
 */
export const loadAssembly = async (folder: string): Promise<Assembly> => {
  const manifest = await readJson(join(folder, 'manifest.json'), manifestSchema)
  const stacks = Object.entries(manifest.artifacts).filter(([, a]) => a.type === 'aws:cloudformation:stack')
  const [only] = stacks
  if (!only || stacks.length !== 1) {
    const names = stacks.map(([name]) => name).join(', ') || 'none'
    throw new TemplateError('template.unsupported', folder, `expected one stack, got ${names}`)
  }
  const [id, artifact] = only
  const template = await readJson(
    join(folder, artifact.properties?.templateFile ?? `${id}.template.json`),
    templateSchema,
  )
  const assets = await readJson(join(folder, `${id}.assets.json`), assetsSchema)
  const assetFolders = new Map<string, string>()
  for (const file of Object.values(assets.files)) {
    if (file.source.packaging !== 'zip' || file.source.path === undefined) continue
    for (const destination of Object.values(file.destinations)) {
      assetFolders.set(destination.objectKey, join(folder, file.source.path))
    }
  }
  return {
    stackName: artifact.properties?.stackName ?? id,
    template,
    assetFolders,
    sourceMaps: join(folder, 'source-maps'),
  }
}

const readJson = async <T>(file: string, schema: z.ZodType<T>): Promise<T> => {
  try {
    return schema.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch (cause) {
    throw new TemplateError('template.unreadable', file, 'missing, or not what a CDK synthesis writes', {
      cause,
    })
  }
}
