import { describe, expect, it } from '@jest/globals'
import { badRequest, notFound, Problem } from '../../../../functions/bridge/http/problem.ts'
import { jsonResponse, noContent, problemResponse } from '../../../../functions/bridge/http/response.ts'

describe('an answer', () => {
  it('is JSON in UTF-8, and not to be cached', () => {
    expect(jsonResponse(201, { a: 'é' }, { etag: '"1"' })).toEqual({
      statusCode: 201,
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'cache-control': 'no-store',
        etag: '"1"',
      },
      body: '{"a":"é"}',
    })
  })

  it('without content has neither a body nor a content type', () => {
    expect(noContent()).toEqual({ statusCode: 204, headers: { 'cache-control': 'no-store' } })
  })
})

describe('a problem', () => {
  const answer = (problem: Problem) => {
    const { statusCode, headers, body } = problemResponse(problem, '/aurora/chefs', 'req-1')
    return { statusCode, headers, body: JSON.parse(body ?? '') }
  }

  it('becomes problem details with the path and the request id', () => {
    expect(answer(notFound('There is nothing here.'))).toEqual({
      statusCode: 404,
      headers: { 'content-type': 'application/problem+json; charset=utf-8', 'cache-control': 'no-store' },
      body: {
        type: 'urn:backsync:problem:not-found',
        title: 'Not found',
        status: 404,
        detail: 'There is nothing here.',
        instance: '/aurora/chefs',
        requestId: 'req-1',
      },
    })
  })

  it('lists the faults of a body', () => {
    const errors = [{ pointer: '/firstName', detail: 'is required' }]

    expect(answer(badRequest('invalid-body', 'Not valid.', errors)).body.errors).toEqual(errors)
    expect('errors' in answer(badRequest('invalid-body', 'Not valid.')).body).toBe(false)
  })

  it('carries its own headers', () => {
    expect(answer(new Problem(405, 'x', 'x', { headers: { allow: 'GET' } })).headers).toMatchObject({
      allow: 'GET',
    })
  })
})
