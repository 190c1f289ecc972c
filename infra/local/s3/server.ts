import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { readBody } from '../http/body.ts'
import { type LocalServer, type Log, listen } from '../http/server.ts'
import { type Elements, xml } from '../http/xml.ts'
import { Buckets, ObjectError } from './buckets.ts'
import { decodedPath } from './path.ts'

/** The largest object that can be put, in bytes: the buckets here take what mappings give up. */
const OBJECT_LIMIT = 64 * 1024 * 1024
/** A page of a listing has at most so many, as on AWS. */
const PAGE = 1_000

type Answer = { readonly status: number; readonly body: string | Buffer; readonly type?: string }

/**
 * Starts an endpoint that the AWS SDK takes for S3, over folders: ListObjectsV2, GetObject, PutObject, CopyObject and
 * DeleteObject, with the bucket in the path and for any signature.
 *
 * @param buckets the folder of each bucket, by its name
 */
export const startS3 = ({
  buckets,
  port,
  log,
}: {
  readonly buckets: ReadonlyMap<string, string>
  readonly port?: number
  readonly log?: Log
}): Promise<LocalServer> => {
  const store = new Buckets(buckets)
  return listen({
    ...(port !== undefined && { port }),
    ...(log && { log }),
    handler: async (request, response) => {
      const requestId = randomUUID()
      const answer = await answerTo(request, store).catch((error: unknown): Answer => {
        if (!(error instanceof ObjectError)) throw error
        const { status, code, message } = error
        return { status, body: xml('Error', { Code: code, Message: message, RequestId: requestId }) }
      })
      response.writeHead(answer.status, {
        'content-type': answer.type ?? 'application/xml',
        'x-amz-request-id': requestId,
        ...(answer.status !== 204 && { 'content-length': Buffer.byteLength(answer.body) }),
      })
      response.end(request.method === 'HEAD' || answer.status === 204 ? undefined : answer.body)
    },
  })
}

const answerTo = async (request: IncomingMessage, store: Buckets): Promise<Answer> => {
  const url = new URL(request.url ?? '/', 'http://s3')
  const { bucket, key } = decodedPath(url.pathname)
  const source = request.headers['x-amz-copy-source']
  switch (key === '' ? `${request.method} bucket` : request.method) {
    case 'GET bucket':
      return { status: 200, body: await listing(bucket, url.searchParams, store) }
    case 'GET':
    case 'HEAD':
      return { status: 200, body: await store.get(bucket, key), type: 'application/octet-stream' }
    case 'PUT': {
      if (typeof source === 'string') {
        const from = decodedPath(`/${source.replace(/^\//, '')}`)
        await store.put(bucket, key, await store.get(from.bucket, from.key))
        const LastModified = new Date().toISOString()
        return { status: 200, body: xml('CopyObjectResult', { LastModified, ETag: `"${randomUUID()}"` }) }
      }
      const bytes = await readBody(request, OBJECT_LIMIT)
      if (!bytes)
        throw new ObjectError(400, 'EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size')
      await store.put(bucket, key, bytes)
      return { status: 200, body: '' }
    }
    case 'DELETE':
      await store.delete(bucket, key)
      return { status: 204, body: '' }
    default:
      throw new ObjectError(
        501,
        'NotImplemented',
        'A header or query you provided requests a function that is not run here',
      )
  }
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
const listing = async (bucket: string, query: URLSearchParams, store: Buckets): Promise<string> => {
  const prefix = query.get('prefix') ?? ''
  const token = query.get('continuation-token')
  const after =
    token === null ? (query.get('start-after') ?? '') : Buffer.from(token, 'base64url').toString('utf8')
  const most = Math.min(PAGE, Number(query.get('max-keys') ?? PAGE))
  const encoded = query.get('encoding-type') === 'url'
  const rest = (await store.list(bucket)).filter(({ key }) => key.startsWith(prefix) && key > after)
  const page = rest.slice(0, most)
  const last = page.at(-1)
  return xml('ListBucketResult', {
    Name: bucket,
    Prefix: prefix,
    KeyCount: String(page.length),
    MaxKeys: String(most),
    IsTruncated: String(rest.length > page.length),
    ...(rest.length > page.length &&
      last && { NextContinuationToken: Buffer.from(last.key).toString('base64url') }),
    Contents: page.map(
      ({ key, bytes, modified }): Elements => ({
        Key: encoded ? encodeURIComponent(key).replaceAll('%2F', '/') : key,
        LastModified: modified.toISOString(),
        Size: String(bytes),
        StorageClass: 'STANDARD',
      }),
    ),
  })
}
