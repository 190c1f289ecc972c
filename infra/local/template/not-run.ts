import type { Assembly } from './assembly.ts'
import { identities, onlyNamed } from './identity.ts'

/** Resource types of the template without a local meaning, with how many there are: `AWS::IAM::Role (5)`. */
export const notRunHere = (assembly: Assembly): string[] => {
  const counts = new Map<string, number>()
  for (const { Type } of Object.values(assembly.template.Resources)) {
    if (!(Type in identities) || onlyNamed.has(Type)) counts.set(Type, (counts.get(Type) ?? 0) + 1)
  }
  return [...counts].sort().map(([type, count]) => (count === 1 ? type : `${type} (${count})`))
}
