/** The message of whatever was thrown; an error of another context (see `hasCode`) is told by its shape. */
export const messageOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error)
