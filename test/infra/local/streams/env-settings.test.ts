import { describe, expect, it } from '@jest/globals'
import { mappingsIn } from '../../../../infra/local/streams/env-settings.ts'

describe('what the environment says of event sources', () => {
  it('is nothing, where nothing is said', () => {
    expect(mappingsIn({})).toEqual({})
    expect(mappingsIn({ BACKSYNC_STREAM_RETENTION: '' })).toEqual({})
  })

  it('is how long streams keep records, and when these are given up', () => {
    expect(mappingsIn({ BACKSYNC_STREAM_RETENTION: '4', BACKSYNC_RECORD_AGE: '3' })).toEqual({
      ...{ retentionSeconds: 4, maximumRecordAgeSeconds: 3 },
    })
  })

  it.each(['0', '-1', '1.5', 'a day'])('is not %s', (text) => {
    expect(() => mappingsIn({ BACKSYNC_RECORD_AGE: text })).toThrow(
      `BACKSYNC_RECORD_AGE: expected whole seconds above 0, got ${text}`,
    )
  })
})
