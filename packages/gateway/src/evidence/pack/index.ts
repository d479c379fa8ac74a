/** Building evidence packs. */
export { buildPack, type BuiltPack } from './build-pack.ts'
export type { EntitlementFacts, EntitlementSubject, PackOrder, PackSources, PolicyInForce } from './sources.ts'
