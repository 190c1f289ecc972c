import { styleText } from 'node:util'
import type { Answer } from './client.ts'

/** Prints the walkthrough: one line a call, one line a back-sync. */
export class Narrator {
  readonly #out: NodeJS.WriteStream
  readonly #lags: number[] = []

  constructor(out: NodeJS.WriteStream) {
    this.#out = out
  }

  heading(text: string): void {
    this.#line(`\n${this.#style('bold', text)}`)
  }

  /** One call, its answer and the verdict. `problem` says what was expected instead. */
  call(
    method: string,
    path: string,
    sent: unknown,
    answer: Answer,
    meaning: string,
    problem: string | undefined,
  ): void {
    const request = `${method.padEnd(6)} ${path}${sent === undefined ? '' : ` ${JSON.stringify(sent)}`}`
    this.#line(`  ${request}`)
    const verdict = problem === undefined ? this.#style('green', 'ok') : this.#style('red', 'FAILED')
    this.#line(`    ${answer.status}  ${meaning}  (${Math.round(answer.milliseconds)} ms)  ${verdict}`)
    if (problem === undefined) return
    this.#line(`    expected: ${problem}`)
    this.#line(`    answered: ${JSON.stringify(answer.body)}`)
  }

  /** @param milliseconds from the acknowledged write to its visibility in Aurora */
  lag(what: string, milliseconds: number): void {
    this.#lags.push(milliseconds)
    this.#line(`    back-sync: ${what} after ${Math.round(milliseconds)} ms  ${this.#style('green', 'ok')}`)
  }

  /** @param milliseconds from the acknowledged write to its visibility in the table that is kept by its own */
  kept(what: string, milliseconds: number): void {
    this.#line(`    replica: ${what} after ${Math.round(milliseconds)} ms  ${this.#style('green', 'ok')}`)
  }

  /** @param milliseconds from the statement's end to its visibility in DynamoDB */
  mirrored(what: string, milliseconds: number): void {
    this.#line(`    mirror: ${what} after ${Math.round(milliseconds)} ms  ${this.#style('green', 'ok')}`)
  }

  /** What somebody else than the API's client does. */
  sql(statement: string): void {
    this.#line(`  SQL    ${statement}`)
  }

  /** A step that isn't taken, and why. */
  left(why: string): void {
    this.#line(`  left out: ${why}`)
  }

  missing(what: string, milliseconds: number): void {
    this.#line(`    ${what} not seen within ${milliseconds} ms  ${this.#style('red', 'FAILED')}`)
  }

  summary(calls: number): void {
    const sorted = this.#lags.toSorted((a, b) => a - b)
    const at = (share: number): string =>
      `${Math.round(sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN)} ms`
    this.heading('Done')
    this.#line(`  ${calls} calls as expected; ${sorted.length} back-syncs, lag p50 ${at(0.5)}, max ${at(1)}`)
  }

  #line(text: string): void {
    this.#out.write(`${text}\n`)
  }

  #style(format: 'bold' | 'green' | 'red', text: string): string {
    return styleText(format, text, { stream: this.#out })
  }
}
