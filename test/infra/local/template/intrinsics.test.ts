import { describe, expect, it } from '@jest/globals'
import { NO_VALUE, referencesIn, resolve, type Scope } from '../../../../infra/local/template/intrinsics.ts'
import { placeholder } from '../stack/fixture.ts'

const scope: Scope = {
  ref: (name) => (name === 'AWS::NoValue' ? NO_VALUE : name === 'AWS::Region' ? 'us-east-1' : `ref-${name}`),
  getAtt: (id, attribute) => `${id}/${attribute}`,
  condition: (name) => name === 'IsProd',
  findInMap: (map, key, second) => `${map}-${key}-${second}`,
  dynamicReference: (reference) => `<${reference}>`,
}
const at = (value: unknown): unknown => resolve(value, scope, 'Resources.X')

describe('resolve', () => {
  it.each<[string, unknown, unknown]>([
    ['Ref', { Ref: 'A' }, 'ref-A'],
    ['Fn::GetAtt as a list', { 'Fn::GetAtt': ['A', 'Endpoint.Address'] }, 'A/Endpoint.Address'],
    ['Fn::GetAtt as a text', { 'Fn::GetAtt': 'A.Arn' }, 'A/Arn'],
    ['Fn::Join', { 'Fn::Join': [':', ['a', { Ref: 'B' }, 3]] }, 'a:ref-B:3'],
    [
      'Fn::Sub',
      { 'Fn::Sub': `${placeholder('A')}-${placeholder('B.Arn')}-${placeholder('!C')}` },
      `ref-A-B/Arn-${placeholder('C')}`,
    ],
    ['Fn::Sub with variables', { 'Fn::Sub': [placeholder('v'), { v: { Ref: 'A' } }] }, 'ref-A'],
    ['Fn::Select of Fn::Split', { 'Fn::Select': [1, { 'Fn::Split': ['-', { Ref: 'A' }] }] }, 'A'],
    ['Fn::If', { 'Fn::If': ['IsProd', 'yes', 'no'] }, 'yes'],
    ['Fn::If otherwise', { 'Fn::If': ['IsDev', 'yes', 'no'] }, 'no'],
    [
      'conditions',
      { 'Fn::And': [{ 'Fn::Not': [{ Condition: 'IsDev' }] }, { 'Fn::Equals': [{ Ref: 'A' }, 'ref-A'] }] },
      true,
    ],
    ['Fn::Or', { 'Fn::Or': [{ Condition: 'IsDev' }, { Condition: 'IsProd' }] }, true],
    ['Fn::FindInMap', { 'Fn::FindInMap': ['M', { Ref: 'A' }, 'x'] }, 'M-ref-A-x'],
    ['Fn::Base64', { 'Fn::Base64': 'hi' }, 'aGk='],
    ['Fn::GetAZs', { 'Fn::GetAZs': '' }, ['us-east-1a', 'us-east-1b', 'us-east-1c']],
    ['nesting in maps and lists', { a: [{ Ref: 'B' }, 1, null] }, { a: ['ref-B', 1, null] }],
    ['AWS::NoValue', { a: { Ref: 'AWS::NoValue' }, b: [{ Ref: 'AWS::NoValue' }, 1] }, { b: [1] }],
    [
      'a dynamic reference in a joined text',
      { 'Fn::Join': ['', ['{{resolve:secretsmanager:', { Ref: 'S' }, ':SecretString:password::}}']] },
      '<secretsmanager:ref-S:SecretString:password::>',
    ],
    [
      'a property that is called Condition',
      { Condition: { Bool: { x: 'true' } } },
      { Condition: { Bool: { x: 'true' } } },
    ],
  ])('%s', (_, value, expected) => {
    expect(at(value)).toEqual(expected)
  })

  it('names the path of a function that it does not know', () => {
    expect(() => at({ Environment: [{ 'Fn::Cidr': [] }] })).toThrow(
      expect.objectContaining({
        code: 'template.unknown-intrinsic',
        path: 'Resources.X.Environment[0].Fn::Cidr',
      }),
    )
  })

  it.each([{ 'Fn::Join': ['x'] }, { 'Fn::Select': [5, ['a']] }, { Ref: {} }])(
    'refuses malformed arguments: %j',
    (value) => {
      expect(() => at(value)).toThrow(expect.objectContaining({ code: 'template.malformed-property' }))
    },
  )
})

describe('referencesIn', () => {
  it('finds every kind of reference', () => {
    const value = [
      { Ref: 'A' },
      { x: { 'Fn::GetAtt': ['B', 'Arn'] } },
      { 'Fn::Sub': `${placeholder('C.Arn')} ${placeholder('!D')}` },
    ]
    expect([...referencesIn(value)]).toEqual(['A', 'B', 'C'])
  })
})
