import type { Assembly, Resource } from './assembly.ts'
import { TemplateError } from './errors.ts'
import { type Identity, identities, plausibleIdentity } from './identity.ts'
import { NO_VALUE, resolve, type Scope } from './intrinsics.ts'
import { pseudoParameters } from './pseudo.ts'

/** Reads the value of a secret for a dynamic reference; undefined when there is no such secret. */
export type SecretReader = (idOrArn: string) => string | undefined

/**
 * The values that a template's intrinsic functions see while the stack starts: parameters, conditions, mappings, the
 * identity of each resource, and what running resources have published.
 */
export class TemplateScope implements Scope {
  readonly #assembly: Assembly
  readonly #pseudo: Record<string, unknown>
  readonly #readSecret: SecretReader
  readonly #published = new Map<string, Record<string, string>>()

  constructor(assembly: Assembly, readSecret: SecretReader) {
    this.#assembly = assembly
    this.#pseudo = pseudoParameters(assembly.stackName)
    this.#readSecret = readSecret
  }

  /** Logical ids with their resource, of one type, whose condition holds. */
  resources(...types: string[]): [string, Resource][] {
    return Object.entries(this.#assembly.template.Resources).filter(
      ([id, resource]) =>
        types.includes(resource.Type) &&
        (resource.Condition === undefined || this.condition(resource.Condition, `Resources.${id}.Condition`)),
    )
  }

  /** The properties of a resource with every intrinsic resolved. */
  properties(id: string): unknown {
    return resolve(this.#resource(id, id).Properties, this, `Resources.${id}.Properties`)
  }

  /** One property, resolved; the others need not be resolvable yet. */
  property(id: string, name: string): unknown {
    const value = resolve(this.#resource(id, id).Properties[name], this, `Resources.${id}.Properties.${name}`)
    return value === NO_VALUE ? undefined : value
  }

  /** Makes known what only a running resource can tell, such as a stream's ARN. */
  publish(id: string, attributes: Record<string, string>): void {
    this.#published.set(id, { ...this.#published.get(id), ...attributes })
  }

  outputs(): Record<string, unknown> {
    const outputs: Record<string, unknown> = {}
    for (const [name, output] of Object.entries(this.#assembly.template.Outputs)) {
      outputs[name] = resolve(output.Value, this, `Outputs.${name}.Value`)
    }
    return outputs
  }

  ref(name: string, path: string): unknown {
    if (name === 'AWS::NoValue') return NO_VALUE
    const pseudo = this.#pseudo[name]
    if (pseudo !== undefined) return pseudo
    const parameter = this.#assembly.template.Parameters[name]
    if (parameter) return parameter.Default
    return (
      this.#identity(name, path)?.ref ??
      plausibleIdentity(this.#resource(name, path).Type, this.#naming(name)).ref
    )
  }

  getAtt(id: string, attribute: string, path: string): unknown {
    const identity = this.#identity(id, path)
    const { Type } = this.#resource(id, path)
    if (!identity) return plausibleIdentity(Type, this.#naming(id)).attribute(attribute)
    const value = this.#published.get(id)?.[attribute] ?? identity.attributes[attribute]
    if (value !== undefined) return value
    if (lateAttributes[Type]?.includes(attribute)) {
      throw new TemplateError(
        'template.not-started',
        path,
        `${id}.${attribute} is not known before ${id} runs`,
      )
    }
    throw new TemplateError('template.unknown-attribute', path, `${Type} has no attribute ${attribute} here`)
  }

  condition(name: string, path: string): boolean {
    const expression = this.#assembly.template.Conditions[name]
    if (expression === undefined) {
      throw new TemplateError('template.unknown-reference', path, `no condition ${name}`)
    }
    return resolve(expression, this, `Conditions.${name}`) === true
  }

  findInMap(map: string, key: string, second: string, path: string): unknown {
    const value = this.#assembly.template.Mappings[map]?.[key]?.[second]
    if (value === undefined) {
      throw new TemplateError('template.unknown-reference', path, `no ${second} of ${key} in mapping ${map}`)
    }
    return value
  }

  dynamicReference(reference: string, path: string): string {
    const match = /^secretsmanager:(.+?):SecretString:([^:]*)(?::[^:]*:[^:]*)?$/.exec(reference)
    const [, secretId, key] = match ?? []
    if (secretId === undefined || key === undefined) {
      throw new TemplateError('template.unsupported', path, 'only secretsmanager references are run here')
    }
    const value = this.#readSecret(secretId)
    if (value === undefined) {
      throw new TemplateError('template.unknown-reference', path, `no secret ${secretId}`)
    }
    if (key === '') return value
    const field: unknown = JSON.parse(value)[key]
    if (typeof field === 'string' || typeof field === 'number') return String(field)
    throw new TemplateError('template.unknown-reference', path, `secret ${secretId} has no field ${key}`)
  }

  #identity(id: string, path: string): Identity | undefined {
    return identities[this.#resource(id, path).Type]?.(this.#naming(id))
  }

  #naming(id: string) {
    const property = (name: string): string | undefined => {
      const value = this.property(id, name)
      return typeof value === 'string' ? value : undefined
    }
    return { id, stackName: this.#assembly.stackName, property }
  }

  #resource(id: string, path: string): Resource {
    const resource = this.#assembly.template.Resources[id]
    if (!resource)
      throw new TemplateError('template.unknown-reference', path, `no resource or parameter ${id}`)
    return resource
  }
}

/** Attributes that are published once the resource runs. */
const lateAttributes: Readonly<Record<string, readonly string[]>> = {
  'AWS::DynamoDB::Table': ['Arn', 'StreamArn', 'TableId'],
  'AWS::DynamoDB::GlobalTable': ['Arn', 'StreamArn', 'TableId'],
  'AWS::RDS::DBCluster': ['Endpoint.Address', 'Endpoint.Port', 'ReadEndpoint.Address'],
  'AWS::ApiGatewayV2::Api': ['ApiEndpoint'],
}
