/**
 * What a test file may change while it runs, as it was when this was made. What it adds to a global object stays:
 * packages keep there what they need as long as they are loaded.
 */
export class Kept {
  readonly #objects = [globalThis, process].map((object) => ({ object, before: propertiesOf(object) }))
  readonly #variables = { ...process.env }
  readonly #exitCode = process.exitCode

  putBack(): void {
    for (const { object, before } of this.#objects) putBackProperties(object, before)
    for (const name of Object.keys(process.env)) if (!(name in this.#variables)) delete process.env[name]
    Object.assign(process.env, this.#variables)
    process.exitCode = this.#exitCode
  }
}

type Properties = ReadonlyMap<PropertyKey, PropertyDescriptor>

const propertiesOf = (object: object): Properties => {
  const properties = new Map<PropertyKey, PropertyDescriptor>()
  for (const key of Reflect.ownKeys(object)) {
    const descriptor = Reflect.getOwnPropertyDescriptor(object, key)
    if (descriptor !== undefined) properties.set(key, descriptor)
  }
  return properties
}

const putBackProperties = (object: object, before: Properties): void => {
  for (const [key, was] of before) {
    const is = Reflect.getOwnPropertyDescriptor(object, key)
    if (is?.value !== was.value || is?.get !== was.get) Reflect.defineProperty(object, key, was)
  }
}
