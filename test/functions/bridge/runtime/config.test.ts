import { describe, expect, it } from '@jest/globals'
import { ConfigurationError } from '../../../../functions/bridge/model/errors.ts'
import { readConfig, settings } from '../../../../functions/bridge/runtime/config.ts'
import { Tables } from '../../../../functions/bridge/runtime/tables.ts'

const all = settings.aurora
  .extend(settings.tables.shape)
  .extend(settings.migrations.shape)
  .extend(settings.parking.shape)
const env = {
  CLUSTER_ARN: 'arn:aws:rds:us-east-1:1:cluster:c',
  SECRET_ARN: 'arn:aws:secretsmanager:us-east-1:1:secret:s',
  DATABASE_NAME: 'app',
  TABLES: '{"chef":"Chefs"}',
  MIGRATE_ON_REQUEST: 'true',
  PARKING_TABLE: 'Parking',
}

describe('the settings of a function', () => {
  it('are read from the environment; what is not asked for is left out', () => {
    expect(readConfig(all, { ...env, PATH: '/bin' })).toEqual({
      ...env,
      TABLES: new Tables({ chef: 'Chefs' }),
      MIGRATE_ON_REQUEST: true,
    })
  })

  it('take false for false', () => {
    expect(readConfig(settings.migrations, { MIGRATE_ON_REQUEST: 'false' })).toEqual({
      MIGRATE_ON_REQUEST: false,
    })
  })

  it('are all named when they are missing', () => {
    expect(() => readConfig(all, {})).toThrow(ConfigurationError)
    expect(() => readConfig(all, {})).toThrow(
      /^Configuration: CLUSTER_ARN is not set; SECRET_ARN is not set; DATABASE_NAME is not set; TABLES is not set; MIGRATE_ON_REQUEST is not set; PARKING_TABLE is not set$/,
    )
  })

  it.each<[string, Record<string, string>, RegExp]>([
    ['an ARN that is none', { CLUSTER_ARN: 'cluster' }, /^Configuration: CLUSTER_ARN [^;]*arn:[^;]*$/],
    ['an empty name', { DATABASE_NAME: '' }, /^Configuration: DATABASE_NAME [^;]+$/],
    ['a parking table without a name', { PARKING_TABLE: '' }, /^Configuration: PARKING_TABLE [^;]+$/],
    ['tables that are not JSON', { TABLES: '{' }, /^Configuration: TABLES is not JSON$/],
    ['tables that are a list', { TABLES: '[]' }, /^Configuration: TABLES [^;]+$/],
    [
      'a table without a name',
      { TABLES: '{"chef":""}' },
      /^Configuration: TABLES\.chef (?!is not set)[^;]+$/,
    ],
    [
      'a table name that is a number',
      { TABLES: '{"chef":1}' },
      /^Configuration: TABLES\.chef (?!is not set)[^;]+$/,
    ],
    ['a boolean that is none', { MIGRATE_ON_REQUEST: 'yes' }, /^Configuration: MIGRATE_ON_REQUEST [^;]+$/],
  ])('are refused with %s', (_, fault, message) => {
    expect(() => readConfig(all, { ...env, ...fault })).toThrow(message)
  })

  it('name a malformed one beside a missing one, and never show a value', () => {
    const faulty = { ...env, SECRET_ARN: 'hunter2', DATABASE_NAME: undefined }

    expect(() => readConfig(all, faulty)).toThrow(/^Configuration: SECRET_ARN .*; DATABASE_NAME is not set$/)
    expect(() => readConfig(all, faulty)).not.toThrow(/hunter2/)
  })
})
