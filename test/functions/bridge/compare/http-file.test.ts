import { describe, expect, it } from '@jest/globals'
import { parseHttpFile } from '../../../../functions/bridge/compare/http-file.ts'

describe('a file of requests', () => {
  it('has requests between lines of ###, with variables, remarks, headers and bodies', () => {
    const text = `# for the look of it
@host = https://api.example.com
@chef = {{host}}/chefs

### read one
GET {{chef}}/17 HTTP/1.1
Accept: application/json
# another remark
X-Trace: {{ host }}

###
// @name list
{{chef}}
  ?limit=2
  &cursor=abc

### write one
# @name create
post /dynamo/chefs
Content-Type: application/json

{
  "firstName": "{{host}}"
}

###
`
    expect(parseHttpFile(text)).toEqual([
      {
        name: 'read one',
        method: 'GET',
        url: 'https://api.example.com/chefs/17',
        headers: { accept: 'application/json', 'x-trace': 'https://api.example.com' },
        line: 6,
      },
      {
        name: 'list',
        method: 'GET',
        url: 'https://api.example.com/chefs?limit=2&cursor=abc',
        headers: {},
        line: 13,
      },
      {
        name: 'create',
        method: 'POST',
        url: '/dynamo/chefs',
        headers: { 'content-type': 'application/json' },
        line: 19,
        body: '{\n  "firstName": "https://api.example.com"\n}',
      },
    ])
  })

  it('is read with either ending of its lines, and may be empty', () => {
    expect(parseHttpFile('GET /chefs/1\r\nAccept: x\r\n')).toMatchObject([{ headers: { accept: 'x' } }])
    expect(parseHttpFile('')).toEqual([])
    expect(parseHttpFile('# nothing\n###\n\n###')).toEqual([])
  })

  it.each([
    ['GET /chefs/{{id}}', 'line 1: nothing says what {{id}} is'],
    ['###\n\nGET chefs', 'line 3: expected a request, such as GET /chefs/17'],
    ['GET /a b c', 'line 1: expected a request, such as GET /chefs/17'],
    ['GET /a\nno header', 'line 2: expected a header, such as Accept: application/json, or an empty line'],
    ['POST /a\n\n< ./body.json', 'line 3: files and scripts in a request are not known here'],
    ['GET /a\n\n> {% client.test() %}', 'line 3: files and scripts in a request are not known here'],
    ['### one\nGET /a\n### one\nGET /b', 'line 4: another request is called one, too'],
  ])('is refused by line for what it does not know: %j', (text, message) => {
    expect(() => parseHttpFile(text)).toThrow(message)
  })

  it('knows a variable from where it is said on', () => {
    expect(() => parseHttpFile('GET /{{id}}\n###\n@id = 1')).toThrow('line 1')
    expect(parseHttpFile('@id = 1\n###\n@id = 2\nGET /{{id}}')).toMatchObject([{ url: '/2' }])
  })
})
