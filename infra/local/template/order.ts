import type { Template } from './assembly.ts'
import { TemplateError } from './errors.ts'
import { referencesIn } from './intrinsics.ts'

/**
 * The logical ids of all resources, each after everything that it depends on, by `DependsOn` or by a reference.
 * Among resources that don't depend on one another the template's order holds.
 *
 * @throws TemplateError `template.circular-dependency`
 */
export const startOrder = (template: Template): string[] => {
  const order: string[] = []
  const state = new Map<string, 'visiting' | 'done'>()
  const visit = (id: string): void => {
    const resource = template.Resources[id]
    if (!resource || state.get(id) === 'done') return
    if (state.get(id) === 'visiting') {
      throw new TemplateError('template.circular-dependency', `Resources.${id}`, 'depends on itself')
    }
    state.set(id, 'visiting')
    for (const other of [...resource.DependsOn, ...referencesIn(resource.Properties)]) visit(other)
    state.set(id, 'done')
    order.push(id)
  }
  for (const id of Object.keys(template.Resources)) visit(id)
  return order
}
