import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cleanName, isOnThisMachine, readRegistration, redirectHost } from './registration.ts'

const REDIRECT_URI = 'http://127.0.0.1/callback'

const outcome = (metadata: object): string => {
  const answer = readRegistration({ redirect_uris: [REDIRECT_URI], ...metadata })
  return 'error' in answer ? answer.error : answer.applicationType
}

test('an address of an application is on loopback, https, or of a scheme that is a domain name backwards', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['http://127.0.0.1/callback', 'native'],
    ['http://127.0.0.1:33418', 'native'],
    ['http://[::1]:1/x', 'native'],
    ['http://localhost:6274/oauth/callback', 'native'],
    ['https://claude.ai/api/mcp/auth_callback', 'web'],
    ['https://vscode.dev/redirect', 'web'],
    ['com.example.app:/oauth2redirect', 'native'],
    ['com.example.app://oauth2redirect', 'native'],
    // RFC 8252 §8.4: "authorization servers […] SHOULD reject […] schemes that do not contain a period".
    ['cursor://anysphere.cursor-mcp/oauth/callback', 'invalid_redirect_uri'],
    ['vscode://vscode.mcp/callback', 'invalid_redirect_uri'],
    ['http://app.example/callback', 'invalid_redirect_uri'],
    ['http://127.0.0.1.evil.example/', 'invalid_redirect_uri'],
    ['http://127.0.0.2/callback', 'invalid_redirect_uri'],
    ['http://2130706433.evil.example/', 'invalid_redirect_uri'],
    ['http://0.0.0.0/', 'invalid_redirect_uri'],
    ['https://127.0.0.1/callback', 'invalid_redirect_uri'],
    ['https://localhost/callback', 'invalid_redirect_uri'],
    ['https://app.example/callback#fragment', 'invalid_redirect_uri'],
    ['https://app.example/callback#', 'invalid_redirect_uri'],
    ['https://user@app.example/', 'invalid_redirect_uri'],
    ['https://app.example\\@evil.example/', 'invalid_redirect_uri'],
    ['https://app.example/ ', 'invalid_redirect_uri'],
    ['https://äpp.example/', 'invalid_redirect_uri'],
    ['javascript:alert(1)', 'invalid_redirect_uri'],
    ['data:text/html,x', 'invalid_redirect_uri'],
    ['file:///etc/passwd', 'invalid_redirect_uri'],
    ['urn:ietf:wg:oauth:2.0:oob', 'invalid_redirect_uri'],
    ['/callback', 'invalid_redirect_uri'],
    ['', 'invalid_redirect_uri'],
    [`https://app.example/${'x'.repeat(500)}`, 'invalid_redirect_uri'],
  ]
  for (const [uri, expected] of cases) assert.equal(outcome({ redirect_uris: [uri] }), expected, uri)
})

test('the kind of an application is what it says, if its addresses fit, else what they make it', () => {
  const web = 'https://app.example/callback'
  const cases: readonly (readonly [object, string])[] = [
    [{ application_type: 'native' }, 'native'],
    [{ application_type: 'web' }, 'invalid_redirect_uri'],
    [{ application_type: 'web', redirect_uris: [web] }, 'web'],
    [{ application_type: 'native', redirect_uris: [web] }, 'native'],
    [{ redirect_uris: [web, REDIRECT_URI] }, 'native'],
    [{ application_type: 'browser' }, 'invalid_client_metadata'],
    [{ application_type: null }, 'invalid_client_metadata'],
  ]
  for (const [metadata, expected] of cases) assert.equal(outcome(metadata), expected, JSON.stringify(metadata))
})

test('what cannot be a public client with a code is refused', () => {
  const cases: readonly (readonly [object, string])[] = [
    [{ token_endpoint_auth_method: 'none' }, 'native'],
    [{ token_endpoint_auth_method: 'client_secret_post' }, 'native'],
    [{ token_endpoint_auth_method: 'private_key_jwt' }, 'invalid_client_metadata'],
    [{ token_endpoint_auth_method: 1 }, 'invalid_client_metadata'],
    [{ response_types: ['token'] }, 'invalid_client_metadata'],
    [{ response_types: 'code' }, 'invalid_client_metadata'],
    [{ response_types: ['code', 'token'] }, 'native'],
    [{ grant_types: ['client_credentials'] }, 'invalid_client_metadata'],
    [{ grant_types: [] }, 'invalid_client_metadata'],
    [{ grant_types: Array.from({ length: 11 }, () => 'authorization_code') }, 'invalid_client_metadata'],
    [{ client_name: 'x'.repeat(257) }, 'invalid_client_metadata'],
    [{ client_name: 1 }, 'invalid_client_metadata'],
    [{ client_name: { toString: 'x' } }, 'invalid_client_metadata'],
    [{ redirect_uris: [] }, 'invalid_redirect_uri'],
    [{ redirect_uris: REDIRECT_URI }, 'invalid_redirect_uri'],
    [{ redirect_uris: [1] }, 'invalid_redirect_uri'],
    [{ redirect_uris: Array.from({ length: 11 }, () => REDIRECT_URI) }, 'invalid_redirect_uri'],
    [{ redirect_uris: undefined }, 'invalid_redirect_uri'],
  ]
  for (const [metadata, expected] of cases) assert.equal(outcome(metadata), expected, JSON.stringify(metadata))
  for (const body of [undefined, null, 'text', 1, []]) assert.equal('error' in readRegistration(body), true)
})

test('a name is one line, of bounded length, without what hides or turns its surroundings', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['Claude Code', 'Claude Code'],
    ['  Müller  \t\n Söhne ', 'Müller Söhne'],
    ['Mu\u0308ller', 'Müller'],
    ['a\u202eb\u2066c\u200bd', 'a b c d'],
    ['\u{e0041}x\u{e007f}', 'x'],
    ['\u0000\u001b[2J', '[2J'],
    ['x\ud800y', 'x\ufffdy'],
    [`z${'\u0335'.repeat(50)}o`, 'zo'],
    ['X” — checked by Sallyport. “', "X' — checked by Sallyport. '"],
    ['"a" «b» „c‟', "'a' 'b' 'c'"],
    ['\u200b\u200b', ''],
    ['x'.repeat(256), 'x'.repeat(64)],
    ['💳'.repeat(128), '💳'.repeat(64)],
  ]
  for (const [given, shown] of cases) assert.equal(cleanName(given), shown, JSON.stringify(given))
})

test('where an answer goes is said as people read it', () => {
  for (const [uri, host, isHere] of [
    ['http://127.0.0.1:33418/x', '127.0.0.1:33418', true],
    ['https://app.example:8443/x', 'app.example:8443', false],
    ['com.example.app:/x', 'com.example.app:', true],
  ] as const)
    assert.deepEqual([redirectHost(uri), isOnThisMachine(uri)], [host, isHere])
})
