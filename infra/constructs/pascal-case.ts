/** `recipe-step` and `recipeStep` become `RecipeStep`: the form of CloudFormation's logical ids. */
export function pascalCase(name: string): string {
  return name.replace(/(?:^|[-_\s]+)(\w)/g, (_, letter: string) => letter.toUpperCase())
}
