/**
 * vault: the credentials of resources, sealed at rest, handed out at the moment they are needed, and the key that seals them.
 *
 * The key lies outside the store (a file of its own, or a reference that app resolves): whoever has the store alone has nothing. A value
 * goes in and comes out only through `reveal`; no list, log, error or record ever holds one, nor anything computed from one. Every change
 * is recorded before it takes effect; when it cannot be recorded it does not happen.
 */
export { createMasterKey, loadMasterKey, parseMasterKey, type MasterKeyFile } from './master-key.ts'
export { createSealer } from './sealer.ts'
export { createVault, type Vault, type VaultOptions } from './vault.ts'
