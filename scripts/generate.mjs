/** Writes the files that are derived from sources; with `--check`, names the ones that differ instead. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { format, resolveConfig } from 'prettier'
import { root } from './checkout.mjs'
import { generators } from './generators.mjs'

const isCheck = process.argv.includes('--check')
let stale = 0

for (const { file, render } of generators) {
  const target = path.join(root, file)
  const text = await format(await render(), { ...(await resolveConfig(target)), filepath: target })
  if (existsSync(target) && readFileSync(target, 'utf8') === text) continue
  if (isCheck) {
    console.error(`${file} is not what its source says; run: npm run generate`)
    stale += 1
  } else {
    mkdirSync(path.dirname(target), { recursive: true })
    writeFileSync(target, text)
    console.log(`wrote ${file}`)
  }
}
process.exitCode = stale === 0 ? 0 : 1
