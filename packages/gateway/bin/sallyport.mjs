#!/usr/bin/env node
/**
 * Starts the `sallyport` command line. Plain JavaScript of Node 20's age, so that it starts anywhere and can say what is missing: in a
 * checkout it runs the sources under the pinned Node, in an installed package the built files under the Node at hand.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const source = new URL('../src/cli/main.ts', import.meta.url)
const checkout = new URL('../../../scripts/launch.mjs', import.meta.url)

if (existsSync(source) && existsSync(checkout)) {
  const { launch } = await import(checkout.href)
  process.exit(await launch(fileURLToPath(source)))
} else {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 24 || (major === 24 && minor >= 16)) {
    await import(new URL('../dist/cli/main.js', import.meta.url).href)
  } else {
    console.error(`sallyport: needs Node 24.16 or later; this is ${process.version}`)
    process.exitCode = 1
  }
}
