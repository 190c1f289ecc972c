/** How an invocation of a function ended that is known to have ended. `text` is what it answered, as JSON text. */
export type Invoked =
  | { readonly is: 'answered'; readonly answer: unknown; readonly text: string }
  /** It threw, or was cut off: `type` is the name of what was thrown, or the runtime's own. */
  | { readonly is: 'failed'; readonly type: string; readonly text: string }

/** Calls functions, and waits for their answers. */
export interface FunctionCaller {
  /**
   * Calls a function once.
   *
   * @param event as JSON text
   * @param timeout how long its answer is waited for, in milliseconds
   * @throws InvokeError when there is no answer
   */
  invoke(functionName: string, event: string, timeout: number): Promise<Invoked>
}
