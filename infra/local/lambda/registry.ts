import { MetricStore } from '../metrics/metric-store.ts'
import { RecentMetrics } from '../metrics/recent-metrics.ts'
import { InvokeError } from './errors.ts'
import type { LocalFunction } from './function.ts'

/** The functions of the stack, found by name, ARN, or ARN with a version or alias. */
export class FunctionRegistry {
  readonly #functions = new Map<string, LocalFunction>()
  /** What the functions have measured, and what the runtime has measured of them. */
  readonly metrics = new MetricStore()
  /** The same of the last hour, by the minute. */
  readonly recent = new RecentMetrics()

  constructor() {
    this.metrics.listen((measurement) => this.recent.record(measurement))
  }

  add(fn: LocalFunction): void {
    this.#functions.set(fn.definition.name, fn)
    fn.reportTo(this.metrics)
  }

  /**
   * @param nameOrArn `name`, `arn:…:function:name`, either with `:qualifier`, or the ARN that API Gateway wraps around it
   * @throws InvokeError `lambda.unknown-function`
   */
  find(nameOrArn: string): LocalFunction {
    const name = /:function:([^:/]+)/.exec(nameOrArn)?.[1] ?? nameOrArn.split(':')[0] ?? nameOrArn
    const found = this.#functions.get(name)
    if (!found) throw new InvokeError('lambda.unknown-function', `Function not found: ${nameOrArn}`)
    return found
  }

  list(): LocalFunction[] {
    return [...this.#functions.values()]
  }

  async close(): Promise<void> {
    await Promise.all(this.list().map((fn) => fn.close()))
  }
}
