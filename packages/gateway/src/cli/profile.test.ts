/** Logins are kept where only their owner can have put something. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Profiles } from './profile.ts'

const profile = { url: 'https://gw.example.com', refreshToken: 'r', name: 'alice' }

let folder: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-profiles-'))
})
after(() => {
  rmSync(folder, { recursive: true })
})

/** A place to work in, and a state folder. */
function place(name: string): { readonly cwd: string; readonly state: string; readonly profiles: () => Profiles } {
  const cwd = join(folder, name, 'a/b')
  const state = join(folder, name, 'state')
  mkdirSync(cwd, { recursive: true })
  return { cwd, state, profiles: () => new Profiles({ XDG_STATE_HOME: state }, cwd) }
}

test('a folder further up is used when it is ours alone', () => {
  const { cwd, profiles } = place('ours')
  mkdirSync(join(cwd, '../.sallyport'), { mode: 0o700 })
  profiles().write('default', profile)
  assert.deepEqual(readdirSync(join(cwd, '../.sallyport')), ['default.json'])
  assert.equal(statSync(join(cwd, '../.sallyport/default.json')).mode & 0o777, 0o600)
  assert.deepEqual(profiles().read('default'), profile)
})

test('a folder further up that others can write to is passed over', () => {
  const { cwd, state, profiles } = place('theirs')
  const shared = join(cwd, '../.sallyport')
  mkdirSync(shared)
  chmodSync(shared, 0o777)
  profiles().write('default', profile)
  assert.deepEqual(readdirSync(shared), [])
  assert.deepEqual(readdirSync(join(state, 'sallyport')), ['default.json'])
  assert.equal(statSync(join(state, 'sallyport')).mode & 0o777, 0o700)
})

test('a draft is never written through something that lies in its place', () => {
  const { cwd, profiles } = place('link')
  const own = join(cwd, '.sallyport')
  mkdirSync(own, { mode: 0o700 })
  symlinkSync(join(folder, 'elsewhere'), join(own, `default.json.${process.pid}`))
  profiles().write('default', profile)
  assert.throws(() => readFileSync(join(folder, 'elsewhere')), { code: 'ENOENT' })
  assert.deepEqual(profiles().read('default'), profile)
})

test('a command that is interrupted leaves nothing that the next one waits for', async () => {
  const { cwd, state, profiles } = place('interrupted')
  profiles().write('default', profile)
  const program = `
    import { Profiles } from ${JSON.stringify(new URL('./profile.ts', import.meta.url).href)}
    await new Profiles({ XDG_STATE_HOME: ${JSON.stringify(state)} }, ${JSON.stringify(cwd)}).exclusively('default', async () => {
      process.stdout.write('holds')
      await new Promise((resolve) => setTimeout(resolve, 60_000))
    })`
  const child = spawn(process.execPath, [...process.execArgv, '--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  await once(child.stdout, 'data')
  child.kill('SIGINT')
  assert.deepEqual(await exited, [null, 'SIGINT'])
  assert.deepEqual(readdirSync(join(state, 'sallyport')), ['default.json'])
})
