import { type Change, isBirth } from '../model/change.ts'

/** Whether a change probably makes a new row. */
export type IsNew = (change: Change) => boolean

/** What some changes say of what was there before. */
export type History = {
  /**
   * A key whose first version is among the changes was probably created by them: a guess that nothing relies on. What only makes a
   * row is new whatever its version is.
   */
  readonly isNew: IsNew
  /** Whether any of them writes the key. */
  readonly isWritten: (change: Change) => boolean
}

export const historyOf = (changes: readonly Change[]): History => {
  const created = new Set(changes.filter(({ version }) => version === 1n).map(({ key }) => key))
  let written: ReadonlySet<string> | undefined
  return {
    isNew: (change) => isBirth(change) || created.has(change.key),
    isWritten: ({ key }) => {
      written ??= new Set(changes.filter(({ op }) => op === 'upsert').map((change) => change.key))
      return written.has(key)
    },
  }
}
