import { TableFinishedError, TableNotReadyError } from '../../../../functions/bridge/tables/errors.ts'
import { CliError } from '../../conventions/errors.ts'
import { EXIT } from '../../conventions/exit-codes.ts'

/** What a kept table's state doesn't allow ends with 4: nothing was changed. */
export const refusing = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work
  } catch (cause) {
    if (!(cause instanceof TableFinishedError || cause instanceof TableNotReadyError)) throw cause
    const { code, message, cure: hint } = cause
    throw new CliError({ code, message, hint, exit: EXIT.refused }, { cause })
  }
}
