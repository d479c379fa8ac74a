/** Builds one package's `dist` for publishing: `node scripts/run.mjs build verifier`. Nothing in the checkout runs from it. */
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { root } from './checkout.mjs'

const [name] = process.argv.slice(2)
const folder = path.join(root, 'packages', name)
const dist = path.join(folder, 'dist')

rmSync(dist, { recursive: true, force: true })
const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const compiled = spawnSync(process.execPath, [tsc, '-p', path.join(folder, 'tsconfig.build.json')], {
  stdio: 'inherit',
})
if (compiled.status !== 0) process.exit(compiled.status ?? 1)

// The compiler turns `.ts` into `.js` in imports only; workers are named by URL.
const workerUrl = /(new URL\('\.{1,2}\/[^']+)\.ts('\s*,\s*import\.meta\.url\s*\))/g
for (const file of globSync('**/*.js', { cwd: dist })) {
  const target = path.join(dist, file)
  const text = readFileSync(target, 'utf8')
  const rewritten = text.replace(workerUrl, '$1.js$2')
  if (rewritten !== text) writeFileSync(target, rewritten)
}
