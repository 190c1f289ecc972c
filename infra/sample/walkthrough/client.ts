/** An answer of the API. */
export type Answer = { readonly status: number; readonly body: unknown; readonly milliseconds: number }

/** One call may take this long: a paused cluster needs up to half a minute to resume, and a gateway waits no longer. */
const CALL_LIMIT = 35_000

/** Calls the API, and nothing else: the walkthrough knows no more of a stack than its clients do. */
export class Client {
  readonly #url: string
  readonly #headers: Record<string, string>

  constructor(url: string, headers: Record<string, string>) {
    this.#url = url.replace(/\/+$/, '')
    this.#headers = headers
  }

  get url(): string {
    return this.#url
  }

  /** @throws Error naming the URL, when nobody answers there */
  async call(method: string, path: string, body?: unknown): Promise<Answer> {
    const begun = performance.now()
    try {
      const response = await fetch(`${this.#url}${path}`, {
        method,
        headers: { ...this.#headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        signal: AbortSignal.timeout(CALL_LIMIT),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      return { status: response.status, body: parse(text), milliseconds: performance.now() - begun }
    } catch (cause) {
      throw new Error(`${method} ${this.#url}${path}: no answer. Does the stack run?`, { cause })
    }
  }
}

const parse = (text: string): unknown => {
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return text
    throw error
  }
}
