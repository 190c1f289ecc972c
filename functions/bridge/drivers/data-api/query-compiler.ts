import { MysqlQueryCompiler } from 'kysely'

/** MySQL's SQL with the Data API's named placeholders: `:p1`, `:p2` … by position. */
export class DataApiQueryCompiler extends MysqlQueryCompiler {
  protected override getCurrentParameterPlaceholder(): string {
    return `:${parameterName(this.numParameters)}`
  }
}

/** @param position counted from 1 */
export const parameterName = (position: number): string => `p${position}`
