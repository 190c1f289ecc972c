/** A place in this repository that is a team's own. */
export type TeamPlace = {
  /** Below the repository: a folder or a file. */
  readonly path: string
  readonly what: string
  /** The module there that lists what there is, and that Backsync reads. */
  readonly list?: string
}

/**
 * What is a team's: a release of Backsync changes nothing in here, so that merging it leaves all of this as it is.
 * Everything else comes with a release.
 */
export const teamPlaces: readonly TeamPlace[] = [
  {
    path: 'functions/entities',
    what: 'one definition an entity',
    list: 'functions/entities/index.ts',
  },
  {
    path: 'functions/tables',
    what: 'tables that jobs read, and those that are kept by others',
    list: 'functions/tables/index.ts',
  },
  { path: 'sql', what: 'migrations NNNN_name.up.sql and .down.sql' },
  { path: 'cdk.context.json', what: 'settings, such as { "stage": "prod" }, and what the CDK looked up' },
  {
    path: 'infra/extensions.ts',
    what: 'functions and routes beside those of Backsync',
    list: 'infra/extensions.ts',
  },
]

/** The modules with a team's lists. */
export const teamLists: readonly string[] = teamPlaces.flatMap(({ list }) => list ?? [])
