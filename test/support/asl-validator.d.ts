/** The package brings no types of its own. */
declare module 'asl-validator' {
  /** Checks a definition in the Amazon States Language. Writes into it: hand over a copy. */
  export default function validate(
    definition: object,
    options?: { readonly checkPaths?: boolean; readonly checkArn?: boolean },
  ): { readonly isValid: boolean; errorsText(separator?: string): string }
}
