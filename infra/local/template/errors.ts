/** Why a synthesised template cannot be run on this machine. */
export type TemplateErrorCode =
  | 'template.unreadable'
  | 'template.unknown-intrinsic'
  | 'template.unknown-reference'
  | 'template.unknown-attribute'
  | 'template.not-started'
  | 'template.malformed-property'
  | 'template.circular-dependency'
  | 'template.unsupported'
  | 'template.foreign-function'

/** A template, or a part of one, that the local runtime cannot interpret. `path` names the spot. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError'
  readonly code: TemplateErrorCode
  readonly path: string

  constructor(code: TemplateErrorCode, path: string, message: string, options?: ErrorOptions) {
    super(`${path}: ${message}`, options)
    this.code = code
    this.path = path
  }
}
