import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import {
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { runCommand } from '../../infra/local/processes/command.ts'
import { shopApp, withShop } from '../fixtures/contract/sources.ts'
import { makeFolder, type TemporaryFolder } from '../support/folder.ts'
import { call, type RunningStack, runStack, send } from '../support/stack.ts'
import { until } from '../support/until.ts'

/** The whole way, by the synthesised template and the bundles: paths, keys, names and lists are a team's own. */
describe('a contract and a table that a team has had before', () => {
  let folder: TemporaryFolder
  let stack: RunningStack
  let dynamodb: DynamoDBClient
  let tables: { readonly shop: string; readonly invoice: string }

  beforeAll(async () => {
    folder = await makeFolder()
    stack = await runStack(folder.path, {}, { app: shopApp })
    const { endpoints, outputs } = JSON.parse(await readFile(join(folder.path, 'stack.json'), 'utf8'))
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
    dynamodb = new DynamoDBClient({ endpoint: endpoints.dynamodb, region: 'us-east-1', credentials })
    tables = { shop: outputs.ShopTableName, invoice: outputs.InvoiceTableName }
  }, 150_000)
  afterAll(async () => {
    dynamodb?.destroy()
    await stack?.stop()
    await folder?.remove()
  }, 30_000)

  const get = (path: string) => call(`${stack.url}${path}`)
  const visible = (path: string, expected: Record<string, unknown>): Promise<void> =>
    until(`${path} shows ${JSON.stringify(expected)}`, 15_000, async () => {
      const reply = await get(path)
      if (reply.status !== 200) return false
      const body = reply.json()
      return Object.entries(expected).every(([name, value]) => body[name] === value)
    })
  const gone = (path: string): Promise<void> =>
    until(`${path} is gone`, 15_000, async () => (await get(path)).status === 404)
  const item = async (TableName: string, Key: Record<string, { S: string } | { N: string }>) =>
    (await dynamodb.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }))).Item

  it('has the keys in the deployed tables that its definitions name', async () => {
    const keys = async (TableName: string) =>
      (await dynamodb.send(new DescribeTableCommand({ TableName }))).Table?.KeySchema?.map(
        ({ AttributeName, KeyType }) => [AttributeName, KeyType],
      )
    expect(await keys(tables.shop)).toEqual([
      ['PK', 'HASH'],
      ['SK', 'RANGE'],
    ])
    expect(await keys(tables.invoice)).toEqual([['number', 'HASH']])
  })

  it('goes on on both sides, at its own paths and under its own names', async () => {
    const made = await send('POST', `${stack.url}/v2/customers`, { first_name: 'Ada', version: 'beta' })
    const { customer_id: key } = made.json()
    expect(made.json()).toEqual({ customer_id: key, first_name: 'Ada', version: 'beta', row_version: 1 })
    expect([made.status, made.headers.get('location')]).toEqual([201, `/v2/customers/${key}`])
    expect(await item(tables.shop, { PK: { S: `CUSTOMER#${key}` }, SK: { S: 'PROFILE' } })).toMatchObject({
      first_name: { S: 'Ada' },
      row_version: { N: '1' },
      modified_at: { S: expect.any(String) },
    })
    await visible(`/v1/customers/${key}`, { first_name: 'Ada', version: 'beta', row_version: 1 })

    const put = await send(
      'PUT',
      `${stack.url}/v2/customers/${key}/`,
      { first_name: 'Bea' },
      { 'if-match': '"1"' },
    )
    expect([put.status, put.json()]).toEqual([
      200,
      { customer_id: key, first_name: 'Bea', version: null, row_version: 2 },
    ])
    await visible(`/v1/customers/${key}/`, { first_name: 'Bea', row_version: 2 })
    expect((await call(`${stack.url}/v2/customers/${key}`, { method: 'DELETE' })).status).toBe(204)
    await gone(`/v1/customers/${key}`)
    for (const path of ['/aurora/customers', '/dynamo/customers', '/v1/customers/x/y', '/v2'])
      expect([path, (await get(path)).status]).toEqual([path, 404])
  })

  it('takes parts of keys apart, and numbers as numbers', async () => {
    const line = { order_no: 7, line_no: 2, product: 'Soup' }
    const made = await send('POST', `${stack.url}/v2/order-lines`, line)
    expect([made.status, made.json(), made.headers.get('etag')]).toEqual([201, line, '"1"'])
    expect(made.headers.get('location')).toBe('/v2/order-lines/7%2C2')
    expect(await item(tables.shop, { PK: { S: 'ORDER#7' }, SK: { S: 'LINE#2' } })).toMatchObject({
      product: { S: 'Soup' },
    })
    await visible('/v1/order-lines/7,2', line)
    expect((await send('POST', `${stack.url}/v2/order-lines`, line)).status).toBe(409)

    const invoice = { number: '18446744073709551615', total: '5 EUR' }
    expect((await send('POST', `${stack.url}/dynamo/invoices`, invoice)).json()).toMatchObject(invoice)
    expect(await item(tables.invoice, { number: { N: invoice.number } })).toMatchObject({
      total: { S: '5 EUR' },
    })
    await visible(`/aurora/invoices/${invoice.number}`, invoice)
    expect((await call(`${stack.url}/dynamo/invoices/${invoice.number}`, { method: 'DELETE' })).status).toBe(
      204,
    )
    await gone(`/aurora/invoices/${invoice.number}`)
  })

  it('has what other writers put into its table, and nothing of what is not its', async () => {
    const put = (Item: Record<string, { S: string } | { N: string }>) =>
      dynamodb.send(new PutItemCommand({ TableName: tables.shop, Item }))
    await put({ PK: { S: 'ORDER#8' }, SK: { S: 'STATUS' }, version: { N: '1' } })
    await put({ PK: { S: 'ORDER#8' }, SK: { S: 'LINE#1' }, product: { S: 'Pie' }, version: { N: '4' } })
    await visible('/v1/order-lines/8,1', { order_no: 8, line_no: 1, product: 'Pie' })
    const { data } = (await get('/v2/order-lines?limit=100')).json()
    expect(data).toEqual(expect.arrayContaining([{ order_no: 8, line_no: 1, product: 'Pie' }]))
  })

  it.each(['v1', 'v2'])('has lists of %s as its clients know them', async (side) => {
    for (const name of ['Cy', 'Di']) await send('POST', `${stack.url}/v2/customers`, { first_name: name })
    for (const no of [1, 2, 3])
      await send('POST', `${stack.url}/v2/order-lines`, { order_no: 9, line_no: no, product: 'x' })
    await visible('/v1/order-lines/9,3', { product: 'x' })
    const names: string[] = []
    let address = `${stack.url}/${side}/customers?limit=1`
    for (let pages = 0; pages < 20 && address !== ''; pages++) {
      const reply = await call(address)
      const body: unknown = JSON.parse(reply.text)
      expect(Array.isArray(body)).toBe(true)
      names.push(reply.text)
      const [, next] = /^<([^>]*)>; rel="next"$/.exec(reply.headers.get('link') ?? '') ?? []
      address = next === undefined ? '' : new URL(next, address).href
    }
    expect(address).toBe('')
    for (const name of ['Cy', 'Di']) expect(names.join()).toContain(`"first_name":"${name}"`)

    const { data, next } = (await get(`/${side}/order-lines?limit=2`)).json()
    expect(data).toHaveLength(2)
    expect((await get(`/${side}/order-lines?limit=2&cursor=${next}`)).json()).toHaveProperty('data')
    expect((await get(`/${side}/order-lines?cursor=bm9uZQ`)).status).toBe(400)
  })

  it('is asked for a key by command', async () => {
    const env = { ...process.env, NODE_OPTIONS: withShop, BACKSYNC_HOME: folder.path }
    const command = [resolve('infra/cli/backsync.mjs'), 'key', 'orderLine', '8,1', '--json']
    const { output } = await runCommand(process.execPath, command, { withinMs: 60_000, env })
    expect(JSON.parse(output)).toMatchObject({
      key: '8,1',
      relation: 'agree',
      aurora: { version: '4' },
      dynamo: { version: '4', row: { order_no: 8, line_no: 1, product: 'Pie' } },
    })
  })
})
