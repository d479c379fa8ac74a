/** A login is not sent over a line that others can read. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CommandError, EXIT } from './exit-codes.ts'
import { loginByDevice, tokenFor } from './login.ts'

const silent = { say: () => undefined, open: () => undefined }

for (const url of ['http://gw.example.invalid', 'http://127.0.0.1.example.invalid', 'ftp://gw.example.invalid', 'gw']) {
  test(`no login and no token by ${url}`, async () => {
    const isRefused = (error: unknown): boolean => error instanceof CommandError && error.exitCode === EXIT.usage
    await assert.rejects(loginByDevice(url, silent), isRefused)
    await assert.rejects(tokenFor({ url, refreshToken: 'r', name: 'alice' }, `${url}/api`), isRefused)
  })
}

test('plain HTTP is good enough within the machine', async () => {
  for (const url of ['http://127.0.0.1:1', 'http://localhost:1', 'http://[::1]:1']) {
    await assert.rejects(
      loginByDevice(url, silent),
      (error) => error instanceof CommandError && error.exitCode === EXIT.upstream,
    )
  }
})
