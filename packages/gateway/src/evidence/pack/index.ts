/** Building evidence packs. */
export { buildPack, type BuiltPack } from './build-pack.ts'
export { packArchive } from './pack-archive.ts'
export type { EntitlementFacts, EntitlementSubject, PackOrder, PackSources, PolicyInForce } from './sources.ts'
