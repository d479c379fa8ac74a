import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { GatewayError } from '#model'
import { createMasterKey, loadMasterKey, parseMasterKey } from './master-key.ts'

const withFile = (body: (file: string) => void): void => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sallyport-key-'))
  try {
    body(path.join(folder, 'master.key'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}
const isInvalid = (error: unknown): boolean => error instanceof GatewayError && error.code === 'SP_CONFIG_INVALID'

test('a created key is read back, and only its owner can read it', () => {
  withFile((file) => {
    const created = createMasterKey({ file })
    assert.deepEqual(loadMasterKey({ file }).expose(), created.expose())
    assert.equal(created.expose().length, 32)
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.throws(() => createMasterKey({ file }), { code: 'EEXIST' })
  })
})

test('a key that the disk does not take leaves no file that the next start would take for one', () => {
  withFile((file) => {
    // As on a full disk: no file may grow. The signal that comes with it is ignored.
    const script = `const { createMasterKey } = await import(${JSON.stringify(new URL('./master-key.ts', import.meta.url).href)})
      try { createMasterKey({ file: ${JSON.stringify(file)} }) } catch ({ code }) { console.log(code) }`
    const args = [process.execPath, '--conditions=@sallyport/source', '--input-type=module', '-e', script]
    const { stdout } = spawnSync('sh', ['-c', `trap '' XFSZ; ulimit -f 0; exec "$0" "$@"`, ...args], {
      encoding: 'utf8',
    })
    assert.equal(stdout, 'EFBIG\n')
    assert.ok(!existsSync(file))
    createMasterKey({ file })
  })
})

test('a missing key, one that others can read, and what is no key are refused', () => {
  withFile((file) => {
    assert.throws(() => loadMasterKey({ file }), isInvalid)
    createMasterKey({ file })
    for (const mode of [0o640, 0o604, 0o660]) {
      chmodSync(file, mode)
      assert.throws(() => loadMasterKey({ file }), /chmod 600/)
    }
    chmodSync(file, 0o600)
    for (const text of [
      '',
      'A'.repeat(42),
      'x'.repeat(100),
      Buffer.alloc(31).toString('base64'),
      Buffer.alloc(33).toString('base64'),
    ]) {
      writeFileSync(file, text)
      assert.throws(() => loadMasterKey({ file }), isInvalid)
    }
  })
})

test('a key given as text is read, and an error does not quote it', () => {
  const text = Buffer.alloc(32, 5).toString('base64')
  assert.deepEqual(parseMasterKey(`${text}\n`).expose(), new Uint8Array(32).fill(5))
  assert.throws(
    () => parseMasterKey('hunter2!'),
    (error) => isInvalid(error) && !String(error).includes('hunter2'),
  )
})
