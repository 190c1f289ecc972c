import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { installWithApt } from '../../../../infra/local/mysql/install.ts'
import { makeFolder, type TemporaryFolder } from '../../../support/folder.ts'

let folder: TemporaryFolder
let lines: string[]
beforeEach(async () => {
  folder = await makeFolder()
  lines = []
})
afterEach(() => folder.remove())

/** Stands in for apt-get, since the real one would change the machine; notes how it is called. */
const install = async (script: string): Promise<string> => {
  const path = join(folder.path, 'apt-get')
  await writeFile(path, `#!/bin/sh\ncd '${folder.path}'\necho "$DEBIAN_FRONTEND $*" >> calls\n${script}\n`)
  await chmod(path, 0o755)
  return installWithApt((line) => lines.push(line), { PATH: `${folder.path}:/usr/bin:/bin` })
}

it('says so before, updates, installs the server alone and without questions, and shows the progress', async () => {
  const binary = await install(`case "$*" in
    *install*) printf '#!/bin/sh\\n' > mysqld; chmod +x mysqld; echo 'Setting up mariadb-server-core';;
    *) echo 'Reading package lists';;
  esac`)

  expect(binary).toBe(join(folder.path, 'mysqld'))
  expect((await readFile(join(folder.path, 'calls'), 'utf8')).trim().split('\n')).toEqual([
    expect.stringMatching(/^noninteractive .*update$/),
    expect.stringMatching(/^noninteractive .*-y --no-install-recommends install mariadb-server-core$/),
  ])
  expect(lines).toEqual([
    'no MySQL or MariaDB server found; installing mariadb-server-core with apt',
    '  apt: Reading package lists',
    '  apt: Setting up mariadb-server-core',
  ])
})

it('shows what apt said when it fails, and does not go on', async () => {
  await expect(install(`echo 'E: no network'; exit 100`)).rejects.toMatchObject({
    code: 'mysql.install-failed',
    message: expect.stringMatching(/exit code 100:\n.*no network/s),
  })

  expect((await readFile(join(folder.path, 'calls'), 'utf8')).trim().split('\n')).toHaveLength(1)
})
