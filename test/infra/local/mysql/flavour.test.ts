import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import {
  compareVersions,
  detectFlavour,
  parseServerVersion,
  requireSupported,
} from '../../../../infra/local/mysql/flavour.ts'
import { makeFolder, type TemporaryFolder } from '../../../support/folder.ts'

describe('parseServerVersion', () => {
  it.each([
    ['/usr/sbin/mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))', 'mysql', '9.7.4'],
    ['mysqld  Ver 8.0.36 for macos14.2 on arm64 (Homebrew)', 'mysql', '8.0.36'],
    [
      'mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)',
      'mariadb',
      '10.11.19',
    ],
    ['10.11.19-MariaDB-0+deb12u1', 'mariadb', '10.11.19'],
    ['5.5.5-10.6.16-MariaDB', 'mariadb', '10.6.16'],
    ['8.0.39', 'mysql', '8.0.39'],
    ['8.0.mysql_aurora.3.08.0', undefined, undefined],
    ['command not found', undefined, undefined],
    ['', undefined, undefined],
  ])('reads %j', (text, flavour, version) => {
    expect(parseServerVersion(text)).toEqual(flavour === undefined ? undefined : { flavour, version })
  })
})

describe('compareVersions', () => {
  it('compares numbers, not text', () => {
    expect(compareVersions('10.11.2', '10.6.16')).toBeGreaterThan(0)
    expect(compareVersions('8.0.4', '8.0.23')).toBeLessThan(0)
    expect(compareVersions('9.7', '9.7.0')).toBe(0)
  })
})

describe('requireSupported', () => {
  it.each([
    ['mysql', '8.0.23', true],
    ['mysql', '8.0.22', false],
    ['mysql', '5.7.44', false],
    ['mariadb', '10.6.0', true],
    ['mariadb', '10.5.29', false],
  ] as const)('%s %s: %s', (flavour, version, supported) => {
    const require = (): void => requireSupported({ flavour, version }, 'it')
    if (supported) expect(require).not.toThrow()
    else expect(require).toThrow(expect.objectContaining({ code: 'mysql.unsupported-version' }))
  })
})

describe('detectFlavour', () => {
  let folder: TemporaryFolder
  beforeEach(async () => {
    folder = await makeFolder()
  })
  afterEach(() => folder.remove())

  const fake = async (script: string): Promise<string> => {
    const path = join(folder.path, 'mysqld')
    await writeFile(path, `#!/bin/sh\n${script}\n`)
    await chmod(path, 0o755)
    return path
  }

  it('asks the binary, with --no-defaults first', async () => {
    const binary = await fake('[ "$1" = --no-defaults ] && echo "$0  Ver 8.4.3 for Linux on x86_64"')

    expect(await detectFlavour(binary)).toEqual({ flavour: 'mysql', version: '8.4.3' })
  })

  it('refuses one that is too old, fails, or says something else', async () => {
    await expect(detectFlavour(await fake('echo "mysqld  Ver 5.7.44"'))).rejects.toMatchObject({
      code: 'mysql.unsupported-version',
    })
    await expect(detectFlavour(await fake('echo "mysqld  Ver 8.4.3"; exit 1'))).rejects.toMatchObject({
      code: 'mysql.unusable-binary',
    })
    await expect(detectFlavour(await fake('echo hello'))).rejects.toThrow(/answered "hello"/)
    await expect(detectFlavour(join(folder.path, 'none'))).rejects.toMatchObject({
      code: 'mysql.unusable-binary',
    })
  })
})
