import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { initialise } from './initialise.ts'
import { runPolicyTests, validate } from './offline.ts'

test('what init writes is valid, passes its own cases, and overwrites nothing', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-init-'))
  t.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const [config = ''] = initialise(folder)
  assert.deepEqual(validate(config), [])
  const { failed, passed, lines } = runPolicyTests(config)
  assert.deepEqual([failed, passed > 0], [0, true], lines.join('\n'))
  assert.throws(() => initialise(folder), { code: 'SP_CONFIG_INVALID' })
})
