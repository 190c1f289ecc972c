/** What the runtime sends to an execution environment. Events and answers travel as JSON text, as on AWS. */
export type ToEnvironment = {
  readonly type: 'invoke'
  readonly requestId: string
  readonly event: string
  readonly deadline: number
  readonly functionArn: string
}

/** What an execution environment sends back. */
export type FromEnvironment =
  | { readonly type: 'inspectable'; readonly url: string }
  | { readonly type: 'ready' }
  | { readonly type: 'init-failed'; readonly error: FunctionError }
  | { readonly type: 'answer'; readonly requestId: string; readonly payload: string }
  | { readonly type: 'failed'; readonly requestId: string; readonly error: FunctionError }
  | { readonly type: 'log'; readonly text: string }

/** A function's error in the form in which Lambda answers it. */
export type FunctionError = {
  readonly errorType: string
  readonly errorMessage: string
  readonly trace?: readonly string[]
}

/** What a new execution environment is told before its code is loaded. */
export type EnvironmentData = {
  readonly folder: string
  readonly handler: string
  /** A folder of source maps, see `source-map.ts`. */
  readonly sourceMaps?: string | undefined
  /** Whether a debugger may look into it; then time is no limit. */
  readonly inspect: boolean
  readonly functionName: string
  readonly memoryMiB: number
  readonly logGroup: string
  readonly logStream: string
}
