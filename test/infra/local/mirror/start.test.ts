import { describe, expect, it } from '@jest/globals'
import type { Outcome } from '../../../../infra/local/lambda/environment.ts'
import { startMirror } from '../../../../infra/local/mirror/start.ts'

const signal = new AbortController().signal
const outputs = { RelayFunctionName: 'Relay' }

/** No checkout is there, so that what would be made fails, and is said. */
const repository = '/nowhere'

const started = async (
  app: string | undefined,
  stackOutputs: Readonly<Record<string, unknown>>,
  outcome: () => Promise<Outcome> = async () => ({ ok: true, payload: '{}' }),
) => {
  const lines: string[] = []
  const invoked: string[] = []
  const invoke = (name: string): Promise<Outcome> => {
    invoked.push(name)
    return outcome()
  }
  const stack = { home: '/nowhere/home', outputs: stackOutputs, invoke }
  const log = (line: string): void => {
    lines.push(line)
  }
  await startMirror(stack, { repository, app, env: { NODE_OPTIONS: '' }, log, signal })
  await new Promise(setImmediate)
  return { lines, invoked }
}

describe('the mirror of a stack that starts', () => {
  it('is left alone where no entity is mirrored', async () => {
    expect(await started(undefined, {})).toEqual({ lines: [], invoked: [] })
  })

  it('is left alone in an app whose entities the command line does not know', async () => {
    expect(await started('test/fixtures/app.ts', outputs)).toEqual({ lines: [], invoked: [] })
  })

  it.each([[undefined], ['infra/app.ts'], ['./infra/app.ts']])(
    'has the relay look at once, and fails nothing: app %s',
    async (app) => {
      expect(await started(app, outputs)).toEqual({
        lines: [expect.stringMatching(/^mirror: not all triggers are made.*npx backsync mirror install$/)],
        invoked: ['Relay'],
      })
    },
  )

  it('says that the relay fails, and goes on', async () => {
    const failed = await started(undefined, outputs, async () => ({
      ok: false,
      error: { errorType: 'Error', errorMessage: 'no table' },
    }))
    expect(failed.lines[1]).toBe('mirror: the relay failed: no table')

    const refused = await started(undefined, outputs, () => Promise.reject(new Error('throttled')))
    expect(refused.lines[1]).toBe('mirror: the relay has not run: throttled')
  })
})
