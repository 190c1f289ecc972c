/** Whether nothing of an entity is kept in Aurora any more, as its definition says. */
type Retirable = { readonly retired?: boolean | undefined }

/** Those of which Aurora still has something: that are written back, carried over, looked at there. */
export const keptIn = <T extends Retirable>(entities: readonly T[]): readonly T[] =>
  entities.filter(({ retired }) => retired !== true)
