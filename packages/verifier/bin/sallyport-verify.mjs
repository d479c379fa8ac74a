#!/usr/bin/env node
/**
 * Starts `sallyport-verify`. Plain JavaScript, so that it starts on any Node from 20 on: in a checkout it runs the sources under the
 * pinned Node, in an installed package the built files under the Node at hand.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const source = new URL('../src/cli.ts', import.meta.url)
const checkout = new URL('../../../scripts/launch.mjs', import.meta.url)

if (existsSync(source) && existsSync(checkout)) {
  const { launch } = await import(checkout.href)
  process.exit(await launch(fileURLToPath(source)))
} else {
  await import(new URL('../dist/cli.js', import.meta.url).href)
}
