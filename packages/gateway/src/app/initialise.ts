import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GatewayError } from '#model'

const CONFIG = `# yaml-language-server: $schema=./node_modules/@sallyport/gateway/config.schema.json
apiVersion: sallyport/v1
node: node-1
listen:
  http: 127.0.0.1:8080
  postgres: 127.0.0.1:5432
  # tls: { cert: tls/cert.pem, key: tls/key.pem }        # needed outside loopback
# publicUrl: https://sallyport.example.com
identity:
  oidc: { issuer: "https://idp.example.com", clientId: sallyport, clientSecret: { from: env:SALLYPORT_OIDC_SECRET } }
groups: [engineers, auditors, platform]                   # the groups that policy may name
resources:
  - name: shop
    zone: cde
    tables: [public.customers]
    postgres:
      host: db.internal
      port: 5432
      database: shop
      user: sallyport
      password: { from: vault:shop }                      # printf %s "$PASSWORD" | sallyport seal shop
      tls: { mode: verify-full }                          # an authority of your own: caFile: tls/db-ca.pem
masking:
  columns: { shop.public.customers.pan: pan }
policy: policy
`

const POLICY = `// Who may do what. Every permit names its business need and its owner; whatever no permit matches is refused.
// docs/guide/policy.md explains the model; try a change with: sallyport validate && sallyport policy test

@id("engineers-connect")
@need("Engineers look into customer problems")
@owner("platform")
@reviewed("connecting shows nothing by itself")
permit (principal is Person in Group::"engineers", action in [Action::"connect", Action::"adhoc"], resource == Database::"shop");

@id("engineers-read-customers")
@need("Engineers look into customer problems")
@owner("platform")
@reviewed("card numbers are truncated on the way")
permit (principal is Person in Group::"engineers", action in Action::"select", resource == Table::"shop/public/customers");

@id("auditors-read-the-trail")
@need("PCI DSS 10.4: logs are reviewed")
@owner("compliance")
permit (
  principal is Person in Group::"auditors",
  action in [Action::"readTrail", Action::"explain", Action::"openPayload", Action::"exportEvidence", Action::"listSessions"],
  resource == Boundary::"sallyport"
);

@id("platform-administers")
@need("Credentials are rotated, stolen tokens revoked")
@owner("platform")
permit (
  principal is Person in Group::"platform",
  action in [Action::"listSecrets", Action::"setSecret", Action::"listSessions", Action::"endSession", Action::"revoke"],
  resource == Boundary::"sallyport"
);
`

const TESTS = `# What the policy is meant to do. Run by: sallyport policy test
cases:
  - { identity: { groups: [engineers] }, resource: shop, does: connect, expect: allow }
  - name: an engineer reads customers
    identity: { groups: [engineers] }
    resource: shop
    does: [select public.customers]
    expect: allow
  - name: an engineer changes nothing
    identity: { groups: [engineers] }
    resource: shop
    does: [update public.customers]
    expect: deny
  - name: an auditor reads the trail, not the shop
    identity: { groups: [auditors] }
    resource: shop
    does: [select public.customers]
    expect: deny
  - { identity: { groups: [auditors] }, boundary: readTrail, expect: allow }
  - { identity: { groups: [platform] }, boundary: setSecret, expect: allow }
`

/**
 * Writes a configuration and a policy to start from; answers the files written.
 *
 * @throws {GatewayError} `SP_CONFIG_INVALID` when there is a sallyport.yaml already: nothing is overwritten.
 */
export function initialise(folder: string): readonly string[] {
  const files: readonly (readonly [string, string])[] = [
    [join(folder, 'sallyport.yaml'), CONFIG],
    [join(folder, 'policy/company.cedar'), POLICY],
    [join(folder, 'policy/tests.yaml'), TESTS],
  ]
  const taken = files.find(([path]) => existsSync(path))
  if (taken !== undefined)
    throw new GatewayError('SP_CONFIG_INVALID', `${taken[0]} is there already; nothing was written`)
  mkdirSync(join(folder, 'policy'), { recursive: true })
  for (const [path, text] of files) writeFileSync(path, text, { flag: 'wx' })
  return files.map(([path]) => path)
}
