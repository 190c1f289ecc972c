import { laterVersion, type Version } from '../model/change.ts'
import { sleep } from '../runtime/retry.ts'

/*
 * What differs at one look may be on its way. So it is looked at again after the lag, and only what has stayed as it was counts. Of a key
 * that others go on writing it is enough that the side which was behind has caught up with what the other one had at
 * the first look: what differs since is another write, which the next verification asks about.
 */

/** What both sides hold of a key, as it was read at one time. */
export type LookedAt = {
  readonly key: string
  /** How the two records stand to each other; `agree` where they are the same. */
  readonly relation: { readonly is: string }
  /** The same again exactly when both sides hold what they held. */
  readonly print: string
  /** How far either side is; undefined where that can't be told. */
  readonly versions: readonly [Version, Version] | undefined
}

/** How keys that differ are looked at again. */
export type Settling<L extends LookedAt> = {
  readonly look: (keys: readonly string[]) => Promise<readonly L[]>
  /** How long to wait before the next look, in milliseconds: longer than a write takes to the other side. */
  readonly patience: () => Promise<number>
  /** How often, at most. */
  readonly looks: number
  /** Which of the keys are on their way as far as anybody knows. */
  readonly onTheWay: (keys: readonly string[]) => Promise<ReadonlySet<string>>
  readonly signal?: AbortSignal | undefined
}

/** What keys that differed have come to. */
export type Settled<L extends LookedAt> = {
  /** Those that differ, and have stayed as they are. */
  readonly differing: readonly L[]
  /** Those that others wrote whenever they were looked at, and of which neither side has caught up. */
  readonly unsettled: readonly string[]
}

/**
 * Looks at keys until it is known of each whether it differs.
 *
 * @throws what `look` throws; the signal's reason
 */
export const settleKeys = async <L extends LookedAt>(
  keys: readonly string[],
  { look, patience, looks, onTheWay, signal }: Settling<L>,
): Promise<Settled<L>> => {
  const differing: L[] = []
  const open = new Map<string, { readonly first: L; readonly last: L; readonly waits: boolean }>()
  for (const first of await look(keys))
    if (first.relation.is !== 'agree') open.set(first.key, { first, last: first, waits: false })
  for (let n = 0; n < looks && open.size > 0; n++) {
    await sleep(await patience(), signal)
    const again = await look([...open.keys()])
    const coming = await onTheWay(
      again.flatMap(({ key, relation }) => (relation.is === 'agree' ? [] : [key])),
    )
    for (const now of again) {
      const known = open.get(now.key)
      if (known === undefined) continue
      const waits = coming.has(now.key)
      const isSame = now.print === known.last.print
      if (now.relation.is === 'agree' || hasCaughtUp(known.first, now)) open.delete(now.key)
      else if (isSame && !waits) {
        differing.push(now)
        open.delete(now.key)
      } else open.set(now.key, { ...known, last: now, waits: isSame })
    }
  }
  // What has stayed on its way all the time is a difference, whatever it waits for.
  const rest = [...open.values()]
  return {
    differing: [...differing, ...rest.filter(({ waits }) => waits).map(({ last }) => last)],
    unsettled: rest.filter(({ waits }) => !waits).map(({ last: { key } }) => key),
  }
}

/** Whether both sides have come to what either had at the first look; of two contents of one version, beyond it. */
const hasCaughtUp = (first: LookedAt, now: LookedAt): boolean => {
  if (first.versions === undefined || now.versions === undefined || now.print === first.print) return false
  const isConflict = [first, now].some(({ relation }) => relation.is === 'conflict')
  const wanted = laterVersion(...first.versions) + (isConflict ? 1n : 0n)
  return now.versions.every((version) => version >= wanted)
}
