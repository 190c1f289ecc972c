import { describe, expect, it } from '@jest/globals'
import { importsSample, withoutSample } from '../../../../infra/cli/init/lists.ts'

const PATH = 'functions/entities/index.ts'

describe("a team's list without the sample", () => {
  it.each([
    [
      'that has nothing else',
      "import type { Entity } from '../a.ts'\nimport { sampled } from '../sample/s.ts'\n\nexport const all: readonly Entity[] = [...sampled]\n",
      "import type { Entity } from '../a.ts'\n\nexport const all: readonly Entity[] = []\n",
    ],
    [
      'keeps what the team has added, wherever it stands',
      "import { sampled } from '../sample/s.ts'\nimport { dish } from './dish.ts'\n\nexport const all = [dish, ...sampled, { a: 1 }]\n",
      "import { dish } from './dish.ts'\n\nexport const all = [dish, { a: 1 }]\n",
    ],
    [
      'takes out single names, several of one import, on several lines',
      "import {\n  chef,\n  recipe as meal,\n} from '../sample/s.ts'\n\nexport const all = [\n  chef,\n  meal,\n]\nexport const other = [1, 2]\n",
      'export const all = []\nexport const other = [1, 2]\n',
    ],
    [
      'is left alone where it has none',
      "import { dish } from './dish.ts'\n\nexport const all = [\n  dish,\n]\n",
      "import { dish } from './dish.ts'\n\nexport const all = [\n  dish,\n]\n",
    ],
  ])('%s', (_, before, after) => {
    expect(withoutSample(PATH, before)).toEqual({ text: after, left: [] })
    expect(withoutSample(PATH, after).text).toBe(after)
  })

  it('says what is used in another way', () => {
    const text = "import { chef } from '../sample/chef.ts'\n\nexport const all = [chef, withLog(chef)]\n"
    expect(withoutSample(PATH, text).left).toEqual(['chef'])
  })

  it.each([
    ["import { a } from '../sample/a.ts'", true],
    ["import type { A } from '../sample/a.ts'", true],
    ["export * from '../sample/a.ts'", true],
    ["import '../sample/a.ts'", true],
    ["const { a } = await import('../sample/a.ts')", true],
    ["import {\n  a,\n} from '../sample/tables/a.ts'", true],
    ["import { a } from '../samples/a.ts'", false],
    ["import { a } from './sample/a.ts'", false],
    ["import { a } from 'sample'", false],
  ])('knows an import of the sample: %s', (text, expected) => {
    expect(importsSample(PATH, text)).toBe(expected)
  })
})
