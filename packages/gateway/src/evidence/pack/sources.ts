import type { Bytes } from '#base'
import type { PayloadKeys, TrailReader } from '#model/read'

/** What a pack is asked to hold. */
export interface PackOrder {
  /** Milliseconds since the epoch, both ends included. */
  readonly fromMs: number
  readonly toMs: number
  readonly disclosed: 'none' | 'statements'
  /** The stable id of who has it built. */
  readonly by: string
  readonly atMs: number
}

/** Where a pack is made from; what lies in other layers comes through here. */
export interface PackSources {
  /** The public folder of the trail. */
  readonly directory: string
  readonly reader: Pick<TrailReader, 'span' | 'uses'>
  /** Resolves when all records below a number are found by the index. */
  indexed(size: number): Promise<void>
  readonly keys: PayloadKeys
  /** The name and version of the product. */
  readonly product: string
  /** Names of identities, as far as the roster still has them. */
  readonly names: (ids: readonly string[]) => Promise<Readonly<Record<string, string>>>
  /** The policy in force, and the record that put it in force; undefined when that is not known. */
  policy(): PolicyInForce | undefined
  /** What policy permits. */
  entitlements(subject: EntitlementSubject): readonly EntitlementFacts[]
  /** The tools behind the boundary. */
  readonly tools: readonly { readonly server: string; readonly tool: string }[]
  /** Signs for a pack's manifest with the key of the trail: a signed note (`packNoteText`). */
  sign(manifestSha256: string): Bytes
}

/** The policy in force. */
export interface PolicyInForce {
  /** SHA-256 of `canonicalText` (hexadecimal). */
  readonly hash: string
  readonly canonicalText: string
  readonly files: readonly { readonly name: string; readonly text: string }[]
  /** The number of the record that it was put in force by. */
  readonly activationRecord: number
}

/** Whose entitlements. */
export type EntitlementSubject =
  | { readonly kind: 'all' }
  | {
      readonly kind: 'identity'
      readonly identity: {
        readonly kind: 'person' | 'workload'
        readonly id: string
        readonly groups: readonly string[]
      }
    }
  | { readonly kind: 'tool'; readonly server: string; readonly tool: string }

/** What a permit lets somebody do, as policy says it. */
export interface EntitlementFacts {
  readonly policy: string
  readonly file: string
  readonly line: number
  readonly principal: string
  readonly action: string
  readonly resource: string
  readonly resourceName?: string
  readonly zone?: string
  readonly conditions?: string
  readonly approval: 'always' | 'sometimes' | 'never'
  readonly approvals: readonly { readonly policy: string; readonly approvers: string; readonly conditions?: string }[]
  readonly bans: readonly string[]
  readonly need: string
  readonly owner: string
  readonly reviewed?: string
}
