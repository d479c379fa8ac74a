/** The lock file installs the same everywhere: on every platform, from any registry, without running anything. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { root } from './sources.ts'

interface Entry {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly link?: boolean
  readonly hasInstallScript?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const workspaces = ['', 'packages/verifier', 'packages/gateway']
const kinds = ['dependencies', 'devDependencies', 'optionalDependencies'] as const

const lock = readJson('package-lock.json') as { readonly packages: Readonly<Record<string, Entry>> }
const entries = Object.entries(lock.packages)
const installed = entries.filter(([place]) => place.includes('node_modules/'))

test('the lock file is read', () => {
  assert.ok(installed.length > 100, `only ${installed.length} entries`)
})

test('no entry names the host it came from', () => {
  const hosts = installed.filter(([, { resolved = '' }]) => resolved.includes('://')).map(([place]) => place)
  assert.deepEqual(hosts, [], 'npm install --package-lock-only under the .npmrc of this checkout drops them')
})

test('every entry has an integrity', () => {
  const bare = installed.filter(([, entry]) => entry.link !== true && entry.integrity === undefined)
  assert.deepEqual(
    bare.map(([place]) => place),
    [],
  )
})

// npm leaves out a platform package that the registry at hand lacks, and `npm ci` then fails elsewhere with "Missing: … from lock file".
test('every optional dependency has an entry of its own', () => {
  const missing = entries.flatMap(([place, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !isLocked(place, name))
      .map((name) => `${place} needs ${name}`),
  )
  assert.deepEqual(missing, [])
})

test('the lock file repeats what every package.json asks for', () => {
  for (const folder of workspaces) {
    const manifest = readJson(path.posix.join(folder, 'package.json')) as Entry
    const locked = lock.packages[folder] ?? {}
    assert.equal(locked.version, manifest.version)
    for (const kind of kinds)
      assert.deepEqual(locked[kind] ?? {}, manifest[kind] ?? {}, `${kind} of ${folder || 'the root'}`)
  }
})

test('every version is exact, and the packages share one', () => {
  const versions = new Set<string | undefined>()
  for (const folder of workspaces) {
    const manifest = readJson(path.posix.join(folder, 'package.json')) as Entry
    versions.add(manifest.version)
    for (const [name, version] of kinds.flatMap((kind) => Object.entries(manifest[kind] ?? {}))) {
      assert.match(version, /^\d+\.\d+\.\d+(-[\w.]+)?$/, `${name} of ${folder || 'the root'}`)
    }
  }
  assert.deepEqual([...versions], ['0.1.0'])
})

test('no dependency runs anything when it is installed', () => {
  const { allowScripts = {} } = readJson('package.json') as { allowScripts?: Readonly<Record<string, boolean>> }
  const scripted = installed
    .filter(([, entry]) => entry.hasInstallScript === true)
    .map(
      ([place, { version }]) =>
        `${place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length)}@${version}`,
    )
  for (const name of scripted) assert.equal(allowScripts[name], false, `${name} has an install script`)
  assert.deepEqual(Object.keys(allowScripts).toSorted(), scripted.toSorted(), 'stale rows in allowScripts')
})

/** Whether a package is found from a place in the tree, as Node looks for it: upwards. */
function isLocked(place: string, name: string): boolean {
  for (let from = place; ;) {
    if (lock.packages[path.posix.join(from, 'node_modules', name)] !== undefined) return true
    if (from === '') return false
    const cut = from.lastIndexOf('node_modules/')
    from = cut > 0 ? from.slice(0, cut - 1) : ''
  }
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(path.join(root, file), 'utf8'))
}
