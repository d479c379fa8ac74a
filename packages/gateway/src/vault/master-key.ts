import { randomBytes } from 'node:crypto'
import { closeSync, constants, fstatSync, fsyncSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import path from 'node:path'
import { type Bytes, fromUtf8, Secret, toUtf8 } from '#base'
import { GatewayError } from '#model'

const KEY_BYTES = 32
/** 44 characters of base64 and a line end; nothing longer is read. */
const MAX_FILE_BYTES = 64
/** 32 bytes are 43 digits and a filler. */
const BASE64_OF_KEY = /^[A-Za-z0-9+/]{43}=$/
/** Permissions of the group and of others. */
const OTHERS = 0o077

/** Where the master key lies: a file of its own, not in the store's folder if that folder is copied or backed up. */
export interface MasterKeyFile {
  readonly file: string
}

/**
 * Creates a master key from 32 random bytes, in a file that only its owner can read, synced.
 *
 * @throws {Error} `EEXIST` when the file is there: a key that seals something must never be overwritten.
 */
export function createMasterKey({ file }: MasterKeyFile): Secret<Bytes> {
  const key = new Uint8Array(randomBytes(KEY_BYTES))
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  const descriptor = openSync(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    writeSync(descriptor, toUtf8(`${Buffer.from(key).toString('base64')}\n`))
    fsyncSync(descriptor)
  } catch (error) {
    // It seals nothing yet, and what is left of it would be refused at the next start.
    rmSync(file, { force: true })
    throw error
  } finally {
    closeSync(descriptor)
  }
  syncFolder(path.dirname(file))
  return new Secret(key)
}

/**
 * Reads the master key.
 *
 * @throws {GatewayError} `SP_CONFIG_INVALID` when it is missing, readable by others, or no key.
 */
export function loadMasterKey({ file }: MasterKeyFile): Secret<Bytes> {
  return parseMasterKey(readPrivately(file), `the master key ${file}`)
}

/**
 * Reads a master key from its text, 32 bytes in base64; for keys that come from somewhere else than a file. `name` is for the error.
 *
 * @throws {GatewayError} `SP_CONFIG_INVALID`
 */
export function parseMasterKey(text: string, name = 'the master key'): Secret<Bytes> {
  // Node's decoder skips what is no base64, so the form is checked first.
  const isKey = BASE64_OF_KEY.test(text.trim())
  if (isKey) return new Secret(new Uint8Array(Buffer.from(text.trim(), 'base64')))
  throw new GatewayError('SP_CONFIG_INVALID', `${name} is not ${KEY_BYTES} bytes in base64`)
}

function readPrivately(file: string): string {
  const descriptor = openForReading(file)
  try {
    const { mode } = fstatSync(descriptor)
    if ((mode & OTHERS) !== 0)
      throw new GatewayError(
        'SP_CONFIG_INVALID',
        `the master key ${file} is readable by others; run: chmod 600 ${file}`,
      )
    const buffer = new Uint8Array(MAX_FILE_BYTES + 1)
    const length = readSync(descriptor, buffer)
    if (length > MAX_FILE_BYTES) throw new GatewayError('SP_CONFIG_INVALID', `the master key ${file} is too long`)
    return fromUtf8(buffer.subarray(0, length))
  } finally {
    closeSync(descriptor)
  }
}

function openForReading(file: string): number {
  try {
    return openSync(file, constants.O_RDONLY)
  } catch (cause) {
    throw new GatewayError('SP_CONFIG_INVALID', `the master key ${file} cannot be read`, { cause })
  }
}

/** A new file survives a power cut only when its folder was synced. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, constants.O_RDONLY)
  fsyncSync(descriptor)
  closeSync(descriptor)
}
