/** Builds one package's `dist` for publishing: `node scripts/run.mjs build verifier`. Nothing in the checkout runs from it. */
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import path from 'node:path'
import { root } from './checkout.mjs'

const [name] = process.argv.slice(2)
const folder = path.join(root, 'packages', name)
rmSync(path.join(folder, 'dist'), { recursive: true, force: true })
const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const { status } = spawnSync(process.execPath, [tsc, '-p', path.join(folder, 'tsconfig.build.json')], {
  stdio: 'inherit',
})
process.exitCode = status ?? 1
