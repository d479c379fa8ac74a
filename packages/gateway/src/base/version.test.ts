import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { VERSION } from './version.ts'

test('the version is that of the package', () => {
  const { version } = JSON.parse(readFileSync('packages/gateway/package.json', 'utf8')) as { version: string }
  assert.equal(VERSION, version)
})
