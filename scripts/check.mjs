/** `npm run check`: every rule that can be read off the sources. Prints one line per rule, and what a failed one said. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { cache, root } from './checkout.mjs'
import { fromSources } from './commands.mjs'

/** More than anybody reads at once; the tool itself shows the rest. */
const maxLines = 40

/** What test reports say beside the matter: stack frames and the fields of an assertion. */
const beside =
  /^\s+(at .*\d+\)?|generatedMessage: .*|code: 'ERR_.*|actual: .*|expected: .*|operator: .*|diff: .*|[{}]|\d+ !== \d+)( \{)?$/

const tool = (name, ...args) => [path.join('node_modules', name), ...args]

const types = { name: 'types', again: 'npx tsc -b', args: tool('typescript/bin/tsc', '-b') }

const rules = [
  {
    name: 'typed lint',
    again: 'npx oxlint packages scripts test demo e2e bench examples',
    args: tool('oxlint/bin/oxlint', '--format=unix', 'packages', 'test', 'demo', 'e2e', 'bench', 'examples'),
  },
  {
    name: 'format',
    again: 'npm run format',
    args: tool(
      'prettier/bin/prettier.cjs',
      '--check',
      '--log-level=warn',
      '--cache',
      '--cache-location=.cache/prettier',
      '.',
    ),
  },
  { name: 'dead code and dependencies', again: 'npx knip', args: tool('knip/bin/knip.js', '--no-progress') },
  { name: 'generated files', again: 'npm run generate', args: [fromSources, 'scripts/generate.mjs', '--check'] },
  {
    name: 'layering and repository',
    again: 'npm test -- test/*.test.ts',
    args: [fromSources, '--test', '--test-reporter=dot', ...globSync('test/*.test.ts', { cwd: root })],
  },
]

/**
 * TypeScript 7.0.2 keeps old diagnostics when `lib`, `types` or a global declaration changes, so what it remembers is dropped whenever
 * a file that can change them does.
 */
const dropStaleTypes = () => {
  const files = [
    'package-lock.json',
    ...globSync(['tsconfig*.json', '{packages,test,demo,e2e,bench,examples}/**/{tsconfig*.json,*.d.ts}'], {
      cwd: root,
      exclude: ['**/node_modules', '**/dist'],
    }),
  ]
  const digest = createHash('sha256')
  for (const file of files.toSorted((a, b) => a.localeCompare(b)))
    digest.update(`${file}\0`).update(readFileSync(path.join(root, file)))
  const wanted = digest.digest('hex')
  const stamp = path.join(cache, 'tsc-inputs')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  rmSync(path.join(cache, 'tsc'), { recursive: true, force: true })
  mkdirSync(cache, { recursive: true })
  writeFileSync(stamp, wanted)
}

const run = ({ name, again, args }) =>
  new Promise((resolve) => {
    const started = performance.now()
    const child = spawn(process.execPath, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1' },
    })
    let output = ''
    const collect = (chunk) => {
      output += chunk
    }
    child.stdout.setEncoding('utf8').on('data', collect)
    child.stderr.setEncoding('utf8').on('data', collect)
    child.once('error', (error) => resolve(report({ name, again }, 1, error.message, started)))
    child.once('close', (status) => resolve(report({ name, again }, status, output, started)))
  })

const report = ({ name, again }, status, output, started) => {
  const seconds = `${((performance.now() - started) / 1000).toFixed(1)} s`
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds})`)
  if (status === 0) return true
  const lines = output.split('\n').filter((line) => line.trim() !== '' && !beside.test(line))
  console.log(
    lines
      .slice(0, maxLines)
      .map((line) => `       ${line}`)
      .join('\n'),
  )
  if (lines.length > maxLines) console.log(`       … and ${lines.length - maxLines} lines more`)
  console.log(`       again: ${again}`)
  return false
}

dropStaleTypes()
// Typed lint reads the declarations that the compiler writes, so the compiler goes first.
const results = [await run(types), ...(await Promise.all(rules.map(run)))]
process.exitCode = results.every(Boolean) ? 0 : 1
