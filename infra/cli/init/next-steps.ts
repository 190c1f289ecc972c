/** What README.md says in the place of the sample. */
export const nextSteps = `## What to do next

The sample is gone; what is left is yours to fill.

1. Describe a legacy table in \`sql/\`: a migration that creates it where it isn't there yet (a local database begins empty),
   and one that adopts it: \`sql/README.md\` has the second.
2. Define its entity in a file of \`functions/entities/\`, and add it to the list in \`functions/entities/index.ts\`.
3. \`npm start -- --fresh\` serves it on both sides, and prints a \`curl\` for each route. (The sample's tables go with
   \`--fresh\`, and so do all other local data.)
4. Settings, such as \`{ "databaseName": "shop" }\`, go into \`cdk.context.json\`.

`
