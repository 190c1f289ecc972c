import { describe, expect, it } from '@jest/globals'
import { ConfigurationError } from '../../../../functions/bridge/model/errors.ts'
import { Tables } from '../../../../functions/bridge/runtime/tables.ts'

const tables = new Tables({ chef: 'Chefs', dish: 'Dishes' })

describe('the tables that a function is told of', () => {
  it('are known by their names in this project', () => {
    expect(tables.of('dish')).toBe('Dishes')
  })

  it.each(['waiter', 'constructor', ''])('say that there is no table for %j', (name) => {
    expect(() => tables.of(name)).toThrow(ConfigurationError)
    expect(() => tables.of(name)).toThrow(`Configuration: TABLES names no table for ${name}`)
  })

  it('are themselves where all that a function needs is among them', () => {
    expect(tables.including(['chef', 'dish', 'chef'])).toBe(tables)
    expect(tables.including([])).toBe(tables)
  })

  it('are refused with each that is missing, once', () => {
    expect(() => tables.including(['waiter', 'chef', 'oven', 'waiter'])).toThrow(ConfigurationError)
    expect(() => tables.including(['waiter', 'chef', 'oven', 'waiter'])).toThrow(
      /^Configuration: TABLES names no table for waiter; TABLES names no table for oven$/,
    )
  })
})
