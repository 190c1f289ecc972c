import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type Owner, otherOf } from '../../../functions/bridge/model/owner.ts'
import type { KeyRecord } from '../../../functions/bridge/ports/key-records.ts'
import { withMoved } from '../../fixtures/cutover/sources.ts'
import { comesTrue } from '../faults/until-true.ts'
import { Crowd, type CrowdFigures } from './crowd.ts'
import type { MovedGround } from './ground.ts'
import { MOVED, movedNames } from './moved.ts'
import { openRecords } from './records.ts'
import { type CutoverOptions, settle } from './run-cutover.ts'
import { areMarked, keepStore } from './store-copies.ts'
import { readBoth, readLogged } from './stores.ts'

export type RestoredResult = CrowdFigures & {
  readonly seed: number
  readonly engine: string
  readonly restored: Owner
  /** Keys that both stores knew before; those of them that the restored one held differently; and those that are listed. */
  readonly keys: number
  readonly differing: number
  readonly listed: number
  readonly problems: readonly string[]
}

/** A table that is restored has a new stream: what the writes of the restore would say in the old one is lost by this time. */
export const RETENTION_SECONDS = 10
/** How the stream is read: it rests until then. The relay is at work all the time. */
const STREAM = ['GetRecords']
/** The relay looks every half second; one that has just begun, or ends, may take longer. In milliseconds. */
const NOTICED = 120_000
const ROOT = join(import.meta.dirname, '..', '..', '..')

/**
 * Restores one store to what it held before a move, and recovers: afterwards both hold what the other one held, or what the restored
 * one still has that is later; or the key is listed.
 */
export const runRestored = async (
  ground: MovedGround,
  { restored, ...options }: CutoverOptions & { readonly restored: Owner },
): Promise<RestoredResult> => {
  const crowd = new Crowd(ground, options)
  const { moves, sweeps } = crowd
  const problems: string[] = []
  const records = openRecords(ground)
  await moves.begin()
  try {
    await crowd.work(0.5)
    if (!(await comesTrue(NOTICED, () => areMarked(ground)))) problems.push('the relay has raised no marks')
    const restore = await keepStore(restored, ground)
    const before = await readAll(records, await namesOf(ground))
    for (const made = moves.made; moves.made === made; ) await moves.step()
    await crowd.work(1)
    await moves.thaw()
    // Neither a session nor an invocation lasts for as long as a restore takes: the relay has nothing in its hands.
    await comesTrue(NOTICED, async () => (await readLogged(ground)) === 0)
    if (restored === 'dynamo') ground.proxy.hold(STREAM)
    const names = await namesOf(ground)
    const after = await readAll(records, names)
    await restore()
    // Before anybody has said so.
    if (!(await comesTrue(NOTICED, () => hasNoticed(ground))))
      problems.push(`the relay has not noticed that ${restored} was restored`)
    if (restored === 'dynamo') await wait(RETENTION_SECONDS * 1_500)
    const type = await openCommands(ground)
    for (const entity of movedNames)
      problems.push(...(await type('cutover', 'recover', entity, '--restored', restored)))
    ground.proxy.hold()
    for (const entity of movedNames) problems.push(...(await type('resync', entity)))
    const isListed = await settle(ground, sweeps, options.patience, problems)
    const survivor = otherOf(restored)
    let [differing, listed] = [0, 0]
    for (const [name, sides] of after) {
      const kept = before.get(name)?.[restored]
      const own = sides[survivor]
      const isOlder = contentOf(kept) !== contentOf(own)
      if (isOlder) differing += 1
      const [entity, key] = parted(name)
      if (await isListed({ entity, key })) {
        listed += 1
        continue
      }
      const truth = kept !== undefined && kept.version > own.version ? kept : own
      const now = await records.aurora.read(MOVED[entity], key)
      const [at, there] = [contentOf(now), contentOf(await records.dynamo.read(MOVED[entity], key))]
      if (at !== contentOf(truth) || there !== at)
        problems.push(
          `${name}: ${survivor} held ${contentOf(own)} v${own.version}, ${restored} was restored to ${contentOf(kept)} v${kept?.version ?? 0n}; now Aurora has ${at}, DynamoDB ${there}`,
        )
    }
    return {
      ...{ seed: options.seed, engine: ground.stack.servers.mysql, restored, ...crowd.figures() },
      ...{ keys: after.size, differing, listed, problems },
    }
  } finally {
    ground.proxy.hold()
    await sweeps.close()
    records.close()
  }
}

type Sides = Readonly<Record<Owner, KeyRecord>>

const contentOf = (record: KeyRecord | undefined): string | undefined => {
  if (record?.state !== 'held') return undefined
  const { title, lastName } = record.row
  return String(title ?? lastName)
}

const parted = (name: string): ['chef' | 'plate', string] => {
  const [entity, ...rest] = name.split(' ')
  return [entity === 'plate' ? 'plate' : 'chef', rest.join(' ')]
}

/** Whether the relay has said that a store was restored, in its own log. */
const hasNoticed = async ({ stack }: MovedGround): Promise<boolean> => {
  const folder = join(stack.home, 'logs')
  for (const name of await readdir(folder))
    if (name.includes('Mirror') && (await readFile(join(folder, name), 'utf8')).includes('its log stays'))
      return true
  return false
}

/** All keys that either store has something of. */
const namesOf = async (ground: MovedGround): Promise<readonly string[]> =>
  (await readBoth(ground)).map(({ name }) => name)

const readAll = async (
  { aurora, dynamo }: ReturnType<typeof openRecords>,
  names: readonly string[],
): Promise<ReadonlyMap<string, Sides>> => {
  const all = new Map<string, Sides>()
  for (const name of names) {
    const [entity, key] = parted(name)
    all.set(name, {
      aurora: await aurora.read(MOVED[entity], key),
      dynamo: await dynamo.read(MOVED[entity], key),
    })
  }
  return all
}

/** @returns types a command, as an operator does, and tells what is wrong with its end; keys that it has listed are none of that */
const openCommands = async (ground: MovedGround) => {
  // It goes to DynamoDB itself, where the stack's functions are held.
  const home = join(ground.logs, 'operator')
  await mkdir(home, { recursive: true })
  const facts = await readFile(join(ground.stack.home, 'stack.json'), 'utf8')
  const endpoint = await ground.dynamodb.config.endpoint?.()
  if (endpoint === undefined) throw new Error('DynamoDB has no endpoint')
  const own = `http://${endpoint.hostname}:${endpoint.port}`
  await writeFile(join(home, 'stack.json'), facts.replaceAll(ground.stack.endpoints.dynamodb, own))
  await copyFile(join(ground.stack.home, 'stack.lock'), join(home, 'stack.lock'))
  return async (...args: readonly string[]): Promise<readonly string[]> => {
    const child = spawn(process.execPath, [join(ROOT, 'infra/cli/main.ts'), ...args, '--yes', '--json'], {
      cwd: ROOT,
      env: { ...process.env, BACKSYNC_HOME: home, NODE_OPTIONS: withMoved },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text
      })
    const [code]: (number | null)[] = await once(child, 'close')
    return code === 0 || code === 3
      ? []
      : [`backsync ${args.join(' ')} ended with ${code}: ${said.slice(-600)}`]
  }
}
