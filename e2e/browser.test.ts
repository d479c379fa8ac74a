/** Logging in as a person does: with a real browser, at the development identity provider, by clicking. */
import assert from 'node:assert/strict'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { type Browser, chromium, type Page } from 'playwright-core'
import { type Agent, connectAgent } from '../demo/agent.ts'
import { type Boundary, startBoundary } from '../demo/boundary.ts'
import { type CommandResult, finish, sallyport, spawnSallyport } from '../demo/command.ts'
import { connect } from '../demo/people.ts'
import { testPlan } from './plan.ts'

const CHROMIUM = '/usr/bin/chromium'
const skip = existsSync(CHROMIUM) ? false : 'Chromium is not here: apt-get install chromium'

describe('a login in a real browser', { skip }, () => {
  let boundary: Boundary
  let browser: Browser
  let page: Page
  /** What the browser complained of: a blocked form or script shows here and nowhere else. */
  let complaints: string[]

  before(async () => {
    boundary = await startBoundary(testPlan({ sql: [], tables: [] }))
    // Root has no user namespace to put the sandbox in.
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
  })
  after(async () => {
    await browser.close()
    await boundary.stop(false)
  })
  beforeEach(async () => {
    const context = await browser.newContext()
    page = await context.newPage()
    complaints = []
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.location().url.endsWith('/favicon.ico'))
        complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(String(error)))
  })
  afterEach(() => page.context().close())

  test('sallyport login: the address that it says leads through the identity provider and back', async () => {
    const { said, ended } = start('alice')
    await page.goto(await said(/^Log in here: (\S+)$/))
    assert.equal(await page.getByRole('heading').innerText(), 'Who are you?')
    await page.getByRole('button', { name: 'Alice Archer' }).click()
    await page.getByText('You are logged in. You can close this window.').waitFor()
    assert.match(page.url(), /^http:\/\/127\.0\.0\.1:\d+\/callback\?/)
    assertLoggedIn(await ended)
    await assertWorks('alice')
    assert.deepEqual(complaints, [])
  })

  test('the device flow: the code is typed and confirmed in the browser', async () => {
    const { said, ended } = start('device', '--device')
    const words = await said(/^Visit (\S+ and enter the code \S+)$/)
    const [address = '', code = ''] = words.split(' and enter the code ')
    await page.goto(address)
    await page.getByRole('textbox').fill(code.toLowerCase())
    await page.getByRole('button').first().click()
    assert.equal(await page.locator('code').innerText(), code)
    await page.getByRole('button', { name: 'Yes, log in' }).click()
    await page.getByRole('button', { name: 'Alice Archer' }).click()
    await page.getByText('The device is logged in. You can close this window.').waitFor()
    assertLoggedIn(await ended)
    await assertWorks('device')
    assert.deepEqual(complaints, [])
  })

  test('the device flow: an address with the code in it asks all the same, and No is no', async () => {
    const { said, ended } = start('unwanted', '--device')
    await page.goto(await said(/^or open (\S+)$/))
    await page.getByText('It was asked for from 127.0.0.1. If that was not you, choose No.').waitFor()
    await page.getByRole('button', { name: 'No', exact: true }).click()
    await page.getByText('The login was not confirmed.').waitFor()
    const { exitCode, stderr } = await ended
    assert.match(stderr, /^the login was refused$/m)
    assert.equal(exitCode, 3)
    assert.deepEqual(complaints, [])
  })

  test('the device flow: a code that nobody gave is not taken', async () => {
    await page.goto(`${boundary.url}/device`)
    await page.getByRole('textbox').fill('ABCD-EFGH')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByText('That code is not one that waits for a login. Try again.').waitFor()
    assert.deepEqual(complaints, [])
  })

  test('whom the identity provider refuses is told so, and may try again with the same address', async () => {
    const { said, ended } = start('second-try')
    const address = await said(/^Log in here: (\S+)$/)
    await page.goto(address)
    await page.getByRole('button', { name: 'None of these' }).click()
    await page.getByRole('heading', { name: 'You are not logged in' }).waitFor()
    await page.getByText('SP_AUTH_LOGIN_REFUSED: the identity provider answered: access_denied').waitFor()
    await page.goto(address)
    await page.getByRole('button', { name: 'Alice Archer' }).click()
    await page.getByText('You are logged in. You can close this window.').waitFor()
    assertLoggedIn(await ended)
  })

  test('an agent of the official SDK: the page says who asks for what, No is no, and Yes leads back to the agent', async () => {
    await using callback = await listenForAgent()
    let answer = 'No'
    const browser = {
      callback: callback.address,
      visit: async (address: string) => {
        await page.goto(address)
        await page
          .getByText('An application that calls itself “my agent” asks to use the MCP server ledger as you.')
          .waitFor()
        await page
          .getByText(`Your answer goes to a program on this computer (${new URL(callback.address).host}).`)
          .waitFor()
        await page.getByRole('button', { name: answer, exact: true }).click()
        if (answer !== 'No') await page.getByRole('button', { name: 'Alice Archer' }).click()
        await page.getByText('back at the agent').waitFor()
        return new URL(page.url())
      },
    }
    const connecting = (): Promise<Agent> => connectAgent(boundary, 'alice', { name: 'my agent', browser })
    await assert.rejects(connecting(), /the person did not agree/)
    answer = 'Yes, log in'
    await using agent = await connecting()
    const { tools } = await agent.client.listTools()
    assert.equal(tools.length, 3)
    assert.deepEqual(complaints, [])
  })

  interface Login {
    /** The first group of the line that it says on standard error. */
    said(line: RegExp): Promise<string>
    readonly ended: Promise<CommandResult>
  }

  function start(profile: string, ...more: readonly string[]): Login {
    const child = spawnSallyport(boundary, 'login', '--url', boundary.url, '--profile', profile, '--no-open', ...more)
    child.stdin.end()
    return { said: (line) => lineOf(child, line), ended: finish(child) }
  }

  async function assertWorks(profile: string): Promise<void> {
    const { stdout } = await sallyport(boundary, 'whoami', '--profile', profile)
    assert.match(stdout, /^alice@example\.com \(person usr_\w+; support; more than one factor\)$/m)
    const { stdout: token } = await sallyport(boundary, 'token', 'cards', '--profile', profile)
    const client = await connect(boundary, 'alice', token.trim())
    await client.end()
  }
})

function assertLoggedIn({ exitCode, stderr }: CommandResult): void {
  assert.equal(exitCode, 0, stderr)
  assert.match(stderr, /^logged in as alice@example\.com$/m)
}

/** What an agent opens for the browser to come back to. */
async function listenForAgent(): Promise<AsyncDisposable & { readonly address: string }> {
  const server = createServer((_, response) => response.end('back at the agent'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function lineOf(child: ChildProcessWithoutNullStreams, wanted: RegExp): Promise<string> {
  for await (const line of createInterface({ input: child.stderr })) {
    const found = wanted.exec(line)?.[1]
    if (found !== undefined) return found
  }
  throw new Error(`it never said ${String(wanted)}`)
}
