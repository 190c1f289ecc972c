import * as z from 'zod'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { entities } from '../../../../functions/entities/index.ts'
import type { Argument, Flag } from '../../conventions/command.ts'
import { directFlag } from '../../conventions/direct.ts'
import { entityName } from '../../conventions/entity-name.ts'

export const ENTITIES: Argument = {
  name: '[entities...]',
  summary: 'such as chef (default: all that are mirrored)',
}

/** Entities by their names; none: those that a test picks. */
export const entitiesNamed = (byDefault: (entity: Entity) => boolean) =>
  z
    .tuple([z.array(entityName).default([])])
    .transform(([named]): readonly Entity[] => (named.length > 0 ? named : entities.filter(byDefault)))

export const isMirrored = ({ mirror, retired }: Pick<Entity, 'mirror' | 'retired'>): boolean =>
  mirror !== undefined && !retired

export const PRINT: Flag = {
  flags: '--print',
  summary: 'print the SQL for a client of your own, and do nothing',
}

export const DIRECT = directFlag('the database itself, as mysql://HOST:3306 (of a local stack it is known)')
