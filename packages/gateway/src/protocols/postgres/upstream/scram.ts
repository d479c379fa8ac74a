/**
 * SCRAM-SHA-256 and SCRAM-SHA-256-PLUS, client side: proves the service's password without sending it, and demands the server's proof that
 * it knows it too.
 *
 * @see https://www.rfc-editor.org/rfc/rfc5802 (SCRAM), https://www.rfc-editor.org/rfc/rfc7677 (SHA-256)
 */
import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { type Bytes, fromUtf8, type Secret, toUtf8 } from '#base'
import { GatewayError } from '#model'
import { prepareSasl } from './saslprep.ts'

/** RFC 7677 §4: "the minimum iteration-count … servers SHOULD … 4096". Fewer would be a downgrade. */
const MIN_ITERATIONS = 4096
/** A server must not make us compute for minutes. */
const MAX_ITERATIONS = 2_000_000

/** How the exchange is tied to the TLS channel, in terms of RFC 5802 §7 `gs2-cbind-flag`. */
export type ChannelBinding =
  /** "y": we could, the server does not say that it can. */
  | { readonly flag: 'y' }
  /** "n": there is no channel to bind to. */
  | { readonly flag: 'n' }
  /** RFC 5929 §4 `tls-server-end-point`: the hash of the server's certificate. */
  | { readonly flag: 'p'; readonly certificateHash: Bytes }

const deriveKey = promisify(pbkdf2)

/** One authentication exchange; its three steps in order. */
export class ScramExchange {
  readonly #password: Secret<string>
  readonly #binding: ChannelBinding
  readonly #nonce: string
  #authMessage = ''
  #serverKey: Buffer | undefined

  /** `nonce` is fresh, printable ASCII without a comma. */
  constructor(password: Secret<string>, binding: ChannelBinding, nonce: string) {
    this.#password = password
    this.#binding = binding
    this.#nonce = nonce
  }

  /** RFC 5802 §7: `client-first-message = gs2-header client-first-message-bare`. PostgreSQL takes the user from the start-up packet. */
  first(): Bytes {
    return toUtf8(this.#gs2Header() + this.#firstBare())
  }

  /**
   * Answers the server's challenge.
   *
   * @throws {GatewayError} `SP_UPSTREAM_REFUSED` when it is not one.
   */
  async final(serverFirst: Bytes): Promise<Bytes> {
    const challenge = fromUtf8(serverFirst)
    const { nonce, salt, iterations } = parseChallenge(challenge, this.#nonce)
    const password = prepareSasl(this.#password.expose())
    // RFC 5802 §3: SaltedPassword := Hi(Normalize(password), salt, i); Hi is PBKDF2 with HMAC.
    const salted = await deriveKey(password, salt, iterations, 32, 'sha256')
    const clientKey = hmac(salted, 'Client Key')
    const storedKey = createHash('sha256').update(clientKey).digest()
    const withoutProof = `c=${this.#channelData().toString('base64')},r=${nonce}`
    this.#authMessage = `${this.#firstBare()},${challenge},${withoutProof}`
    this.#serverKey = hmac(salted, 'Server Key')
    // ClientProof := ClientKey XOR ClientSignature
    const signature = hmac(storedKey, this.#authMessage)
    const proof = clientKey.map((byte, index) => byte ^ (signature[index] ?? 0))
    return toUtf8(`${withoutProof},p=${Buffer.from(proof).toString('base64')}`)
  }

  /**
   * Checks the server's proof.
   *
   * @throws {GatewayError} `SP_UPSTREAM_REFUSED` when it does not know the password either.
   */
  verify(serverFinal: Bytes): void {
    const text = fromUtf8(serverFinal)
    const verifier = /^v=([A-Za-z0-9+/=]+)(?:,|$)/.exec(text)?.[1]
    if (verifier === undefined || this.#serverKey === undefined) throw refused('the server gave no SCRAM proof')
    const expected = hmac(this.#serverKey, this.#authMessage)
    const given = Buffer.from(verifier, 'base64')
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
      throw refused('the server does not know the password: it may be an impostor')
    }
  }

  #gs2Header(): string {
    return this.#binding.flag === 'p' ? 'p=tls-server-end-point,,' : `${this.#binding.flag},,`
  }

  #firstBare(): string {
    return `n=,r=${this.#nonce}`
  }

  /** RFC 5802 §7: `cbind-input = gs2-header [ cbind-data ]`. */
  #channelData(): Buffer {
    const header = Buffer.from(this.#gs2Header())
    return this.#binding.flag === 'p' ? Buffer.concat([header, this.#binding.certificateHash]) : header
  }
}

/** RFC 5802 §7: `server-first-message = [reserved-mext ","] nonce "," salt "," iteration-count ["," extensions]`. */
function parseChallenge(text: string, clientNonce: string): { nonce: string; salt: Buffer; iterations: number } {
  const match = /^r=([!-+\--~]+),s=([A-Za-z0-9+/=]+),i=([1-9][0-9]{0,9})(?:,.*)?$/.exec(text)
  const [, nonce, salt, count] = match ?? []
  if (nonce === undefined || salt === undefined || count === undefined) throw refused('a SCRAM challenge that is none')
  // RFC 5802 §5.1: "The client MUST verify that the initial part of the nonce … is the same as … the nonce it initially specified".
  if (!nonce.startsWith(clientNonce) || nonce.length === clientNonce.length) throw refused('a SCRAM nonce not ours')
  const iterations = Number(count)
  if (iterations < MIN_ITERATIONS || iterations > MAX_ITERATIONS) throw refused('a SCRAM iteration count out of bounds')
  return { nonce, salt: Buffer.from(salt, 'base64'), iterations }
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function refused(reason: string): GatewayError {
  return new GatewayError('SP_UPSTREAM_REFUSED', reason)
}
