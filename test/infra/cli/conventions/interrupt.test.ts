import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { watchForInterrupt } from '../../../../infra/cli/conventions/interrupt.ts'

class FakeProcess extends EventEmitter {
  readonly exits: number[] = []
  said = ''
  readonly stderr = { write: (text: string) => (this.said += text) }
  exit(code: number): void {
    this.exits.push(code)
  }
}

describe('Ctrl-C', () => {
  beforeEach(() => {
    jest.useFakeTimers()
  })
  afterEach(() => {
    jest.useRealTimers()
  })

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'])('(%s) asks the command to stop, and does not end it', (signal) => {
    const watched = new FakeProcess()
    const interrupt = watchForInterrupt(watched)
    expect(interrupt.signal.aborted).toBe(false)
    watched.emit(signal)

    expect(interrupt.signal.aborted).toBe(true)
    expect(watched.exits).toEqual([])
    interrupt.stop()
    expect(watched.listenerCount(signal)).toBe(0)
  })

  it('of one hand counts once, a second one ends the process', () => {
    const watched = new FakeProcess()
    let now = 0
    const interrupt = watchForInterrupt(watched, () => now)
    watched.emit('SIGINT')
    now = 299
    watched.emit('SIGTERM')
    expect(watched.exits).toEqual([])
    now = 300
    watched.emit('SIGINT')

    expect(watched.exits).toEqual([130])
    interrupt.stop()
  })

  it('says what it waits for, once it takes a moment', () => {
    const watched = new FakeProcess()
    const interrupt = watchForInterrupt(watched)
    watched.emit('SIGINT')
    jest.advanceTimersByTime(499)
    expect(watched.said).toBe('')
    jest.advanceTimersByTime(1)

    expect(watched.said).toBe('stopping at the next safe point; once more to stop at once\n')
    interrupt.stop()
  })

  it('says nothing of what has stopped by then', () => {
    const watched = new FakeProcess()
    const interrupt = watchForInterrupt(watched)
    watched.emit('SIGINT')
    interrupt.stop()
    jest.advanceTimersByTime(10_000)

    expect(watched.said).toBe('')
  })
})
