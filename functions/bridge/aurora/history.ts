import type { Change } from '../model/change.ts'

/** Whether a change probably makes a new row. */
export type IsNew = (change: Change) => boolean

/** What some changes say of what was there before. */
export type History = {
  /** A key whose first version is among the changes was probably created by them. It is a guess that nothing relies on. */
  readonly isNew: IsNew
  /** Whether any of them writes the key. */
  readonly isWritten: (change: Change) => boolean
}

export const historyOf = (changes: readonly Change[]): History => {
  const created = new Set(changes.filter(({ version }) => version === 1n).map(({ key }) => key))
  let written: ReadonlySet<string> | undefined
  return {
    isNew: ({ key }) => created.has(key),
    isWritten: ({ key }) => {
      written ??= new Set(changes.filter(({ op }) => op === 'upsert').map((change) => change.key))
      return written.has(key)
    },
  }
}
