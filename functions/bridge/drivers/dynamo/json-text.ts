/** JSON of what DynamoDB's calls take and give: binary as base64, as in its own JSON; big integers as their digits. */
export const toJsonText = (value: unknown): string =>
  JSON.stringify(value, function (this: unknown, name: string, member: unknown) {
    if (typeof member === 'bigint') return String(member)
    // What it was before a Buffer made a list of itself.
    const own: unknown = Reflect.get(Object(this), name)
    return own instanceof Uint8Array ? Buffer.from(own).toString('base64') : member
  })
