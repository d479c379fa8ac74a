/**
 * evidence: the reading side of the trail.
 *
 * Finds records through an index that is derived from the published bundles (a file and a worker of its own, rebuildable), reads leaves
 * from the bundles and opens payloads with the record's own key. It writes nothing into the trail and knows nothing of the data path;
 * whoever lets people read records the reading first (api).
 */
export { type IndexedReader, openTrailReader, type ReaderOptions } from './reader.ts'
export {
  buildPack,
  type BuiltPack,
  type EntitlementFacts,
  type EntitlementSubject,
  packArchive,
  type PackOrder,
  type PackSources,
  type PolicyInForce,
} from './pack/index.ts'
