/** The sample: what shows Backsync at work until a team has something of its own. All paths are below the repository. */
export const sample = {
  /** Folders, and a test that removes it all in a copy. */
  places: [
    'functions/sample',
    'infra/sample',
    'test/functions/sample',
    'test/infra/sample',
    'test/e2e/init.test.ts',
  ],
  /** In the team's folder, because migrations of one database have one order. */
  migrations: [
    '0001_legacy_chefs',
    '0003_adopt_chefs',
    '0005_legacy_recipes',
    '0006_adopt_recipes',
    '0007_owners_of_chefs',
    '0008_owners_of_recipes',
  ].flatMap((name) => [`sql/${name}.up.sql`, `sql/${name}.down.sql`]),
  /** Commands of package.json. */
  scripts: ['walkthrough', 'sample'],
} as const

/** Whether a path below the repository is the sample's. SQL is not meant: nothing imports it. */
export const isOfSample = (path: string): boolean =>
  sample.places.some((folder) => path === folder || path.startsWith(`${folder}/`))
