import { entities } from '../functions/entities/index.ts'
import { projections, tables } from '../functions/tables/index.ts'
import { extensions } from './extensions.ts'
import { synthesiseApp } from './synthesise-app.ts'

synthesiseApp({ entities, tables, projections, extensions }, ['cdk.context.json', 'cdk.json'])
