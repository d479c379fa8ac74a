import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cleanName, readRegistration } from './registration.ts'

const numRuns = Number(process.env['SALLYPORT_FUZZ_RUNS'] ?? 100_000)
const LOOPBACK = new Set(['127.0.0.1', '[::1]', 'localhost'])

const scheme = fc.constantFrom('http', 'https', 'javascript', 'cursor', 'com.example', 'data', 'HTTPS', 'ht\ntp')
const host = fc.oneof(
  fc.constantFrom('127.0.0.1', 'localhost', '[::1]', '127.1', 'evil.example', 'LOCALHOST', 'a@b', '0x7f.1', ''),
  fc.string({ maxLength: 12 }),
)
const uri = fc
  .tuple(scheme, fc.constantFrom('://', ':/', ':', ':\\\\'), host, fc.string({ maxLength: 12 }))
  .map((parts) => parts.join(''))
const anything = fc.anything({ maxDepth: 2 })
const metadata = fc.record(
  {
    redirect_uris: fc.oneof(fc.array(fc.oneof(uri, fc.string()), { maxLength: 12 }), anything),
    client_name: fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), anything),
    application_type: fc.oneof(fc.constantFrom('native', 'web'), anything),
    grant_types: fc.oneof(fc.constant(['authorization_code', 'refresh_token']), anything),
    response_types: fc.oneof(fc.constant(['code']), anything),
    token_endpoint_auth_method: fc.oneof(fc.constantFrom('none', 'client_secret_post'), anything),
  },
  { requiredKeys: [] },
)

test('whatever is registered, an answer goes to loopback, over https, or to a scheme with a domain in it', () => {
  fc.assert(
    fc.property(fc.oneof(metadata, anything), (body) => {
      const answer = readRegistration(body)
      if ('error' in answer) return
      assert.ok(answer.redirectUris.length > 0 && answer.redirectUris.length <= 10)
      for (const redirect of answer.redirectUris) {
        const { protocol, hostname, hash, username } = new URL(redirect)
        assert.ok(redirect.length <= 512 && hash === '' && username === '')
        if (protocol === 'http:') assert.ok(LOOPBACK.has(hostname))
        else if (protocol === 'https:') assert.ok(!LOOPBACK.has(hostname))
        else assert.match(protocol, /\./)
        if (answer.applicationType === 'web') assert.equal(protocol, 'https:')
      }
    }),
    { numRuns },
  )
})

test('a name is one short line whatever it was, and cleaning it again changes nothing', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (name) => {
      const shown = cleanName(name)
      assert.ok([...shown].length <= 64)
      assert.doesNotMatch(shown, /[\p{C}\u2028\u2029]/u)
      assert.equal(cleanName(shown), shown)
    }),
    { numRuns },
  )
})
