import { type Entity, requireDistinct } from '../bridge/model/entity.ts'
import { sampleEntities } from '../sample/entities.ts'

/** Every entity there is. The stack, the routes, the handlers and the command line read this list. */
export const entities: readonly Entity[] = [...sampleEntities]

requireDistinct(entities)
