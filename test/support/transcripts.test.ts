import { describe, expect, it } from '@jest/globals'
import { settled, transcriptsOf } from './transcripts.ts'

describe('the transcripts of a page', () => {
  it('are its commands, each with what it prints', () => {
    const page =
      '# A\n\n```sh\nnot this\n```\n\n```console\n$ one --a\n1\n\n2\n$ two\n```\n\n```console\n$ three\n$3\n```\n'

    expect(transcriptsOf(page)).toEqual([
      { command: 'one --a', expected: '1\n\n2' },
      { command: 'two', expected: '' },
      { command: 'three', expected: '$3' },
    ])
  })

  it('are compared without ids, times, durations and counts of what the stream was first at', () => {
    const one =
      '{"id":"01a2017f-4a51-7745-ac17-4ad3b96278de","at":"2026-11-22T11:11:05.873Z"}\napplied     0\ntook   1 s'
    const other =
      '{"id":"01990000-0000-7000-8000-000000000001","at":"2026-12-01T00:00:00.000Z"}\napplied 1,000\ntook 250 ms\n'

    expect(settled(one)).toBe(settled(other))
  })

  it('differ where the words or the figures do', () => {
    expect(settled('items 500')).not.toBe(settled('items 501'))
    expect(settled('result equal')).not.toBe(settled('result different'))
  })
})
