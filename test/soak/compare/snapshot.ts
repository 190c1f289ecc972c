/** A key's state in one store: each field as a text that is equal exactly when the values are. null is NULL or absent. */
export type Row = Readonly<Record<string, string | null>>

/** All keys of an entity in one store. */
export type Snapshot = ReadonlyMap<string, Row>
