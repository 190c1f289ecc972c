import { setTimeout as wait } from 'node:timers/promises'
import { DeleteItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import type { Item } from '../../../functions/bridge/drivers/dynamo/items.ts'
import type { Ground } from '../ground.ts'
import type { Random } from '../random.ts'

const USERS = 60
const PREFERENCES = 60
/** Fewer places than users: some want the same one, and wait for it. */
const PLACES = 50

/** Writes to the tables that others are kept by: users that move, meet and go, and preferences that change. */
export class KeptWriters {
  readonly #ground: Ground
  readonly #random: Random
  readonly #run: string
  #written = 0

  /** @param run keeps the keys of several runs on one stack apart */
  constructor(ground: Ground, random: Random, run: string) {
    this.#ground = ground
    this.#random = random
    this.#run = run
  }

  get written(): number {
    return this.#written
  }

  /** One write after the other until the signal aborts. @param rate writes a second */
  async run(rate: number, signal: AbortSignal): Promise<void> {
    const { users, preferences } = this.#ground.kept
    while (!signal.aborted) {
      if (this.#random.chance(0.5)) await this.#write(users, this.#user(), ['email'])
      else await this.#write(preferences, this.#preference(), ['id', 'preferenceType'])
      await wait(1000 / rate)
    }
  }

  async #write(TableName: string, Item: Item, key: readonly string[]): Promise<void> {
    const { dynamodb } = this.#ground
    if (this.#random.chance(0.15)) {
      const Key = Object.fromEntries(Object.entries(Item).filter(([name]) => key.includes(name)))
      await dynamodb.send(new DeleteItemCommand({ TableName, Key }))
    } else await dynamodb.send(new PutItemCommand({ TableName, Item }))
    this.#written += 1
  }

  #user(): Item {
    return {
      email: { S: `${this.#run}-${this.#random.int(1, USERS)}@example.com` },
      state: { S: this.#run },
      city: { S: `city ${this.#random.int(1, PLACES)}` },
      zipcode: { S: String(this.#random.int(10_000, 99_999)) },
    }
  }

  #preference(): Item {
    return {
      id: { S: `${this.#run}-${this.#random.int(1, PREFERENCES)}` },
      preferenceType: { S: 'theme' },
      value: { S: this.#random.pick(['dark', 'light', 'off']) },
      size: { N: String(this.#random.int(0, 9)) },
      legacyFlag: { BOOL: this.#random.chance(0.5) },
    }
  }
}
