import { createHmac, generateKeyPairSync, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'
import { type Bytes, fromUtf8, toUtf8 } from '#base'
import type { KeyStore, Sealer } from '#model'

const KEY_BYTES = 32
/** 64 bits name a token among those alive; they are a name, not a proof. */
const NAME_DIGITS = 16

/** What a token rests under, and what it is called elsewhere. */
export interface TokenDigests {
  /** Keyed digest of an id (64 hexadecimal digits). Without the key a guess cannot be tried on a stolen store. */
  digest(model: string, id: string): string
  /** A stand-in for an id that is only known by its digest. It never leaves the process but sealed. */
  handleOf(model: string, digest: string): string
  /** The name of a token by its digest: `tok_…` */
  tokenName(digest: string): string
  /** The name of a grant by its id: `grt_…` */
  grantName(grantId: string): string
}

/** The keys that identity makes for itself and keeps sealed. */
export interface OwnKeys {
  readonly digests: TokenDigests
  /** Signs the cookies of a login under way. */
  readonly cookieKey: string
  /** Signs ID tokens (ES256, private JWK). */
  readonly signingKey: SigningKey
}

/** A private JWK for ES256. */
interface SigningKey {
  readonly kty: string
  readonly crv: string
  readonly x: string
  readonly y: string
  readonly d: string
  readonly alg: 'ES256'
  readonly use: 'sig'
}

/** Opens the keys, making them on the first start. */
export async function openOwnKeys(keys: KeyStore, sealer: Sealer, nowMs: number): Promise<OwnKeys> {
  const open = async (name: string, make: () => Bytes): Promise<Bytes> => {
    const context = `key/${name}`
    const sealed = (await keys.find(name)) ?? (await keys.create(name, sealer.seal(make(), context), nowMs))
    return sealer.open(sealed, context)
  }
  const tokenKey = await open('identity-tokens', () => randomBytes(KEY_BYTES))
  const signingKey = await open('identity-signing', makeSigningKey)
  return {
    digests: createDigests(derive(tokenKey, 'sallyport token digests')),
    cookieKey: derive(tokenKey, 'sallyport login cookies').toString('base64url'),
    signingKey: JSON.parse(fromUtf8(signingKey)) as SigningKey,
  }
}

function createDigests(key: Buffer): TokenDigests {
  const mac = (text: string): Buffer => createHmac('sha256', key).update(text).digest()
  const handleOf = (model: string, digest: string): string =>
    `~${digest}.${mac(`handle\0${model}\0${digest}`).toString('base64url')}`
  const digest = (model: string, id: string): string => {
    // Ids are made of letters, digits, `-` and `_`, so none begins with the handle's mark.
    const named = id.startsWith('~') ? id.slice(1, 65) : undefined
    if (named !== undefined && isSame(handleOf(model, named), id)) return named
    return mac(`id\0${model}\0${id}`).toString('hex')
  }
  return {
    digest,
    handleOf,
    tokenName: (digested) => `tok_${digested.slice(0, NAME_DIGITS)}`,
    grantName: (grantId) => `grt_${digest('Grant', grantId).slice(0, NAME_DIGITS)}`,
  }
}

function isSame(expected: string, given: string): boolean {
  const [left, right] = [toUtf8(expected), toUtf8(given)]
  return left.length === right.length && timingSafeEqual(left, right)
}

function derive(key: Bytes, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, new Uint8Array(), toUtf8(purpose), KEY_BYTES))
}

function makeSigningKey(): Bytes {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return toUtf8(JSON.stringify({ ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig' }))
}
