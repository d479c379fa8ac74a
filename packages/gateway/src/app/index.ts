/**
 * app: the composition root. Reads the configuration, opens every layer and wires them, and is the only place that sees all of them.
 */
export { checkConfig, type Config, loadConfig } from './config/load.ts'
export { type Foundation, openFoundation, type StartOptions } from './foundation.ts'
export { type Gateway, startGateway } from './gateway.ts'
export { closeInherited } from './inherited.ts'
export { initialise } from './initialise.ts'
export { type Pinned, pinTools } from './pin-tools.ts'
export { runPolicyTests, sealSecretOffline, validate } from './offline.ts'
export { type FolderVerification, verifyTrailFolder } from './verify-folder.ts'
