/** Something behind the boundary, as the configuration declares it. Protocol settings live with the protocol. */
export interface Resource {
  /** Unique across kinds. */
  readonly name: string
  readonly kind: 'postgres'
  /** `cde` when it belongs to the cardholder data environment. */
  readonly zone?: string
  /** Tables known and classified when policy was approved, as `schema.name`. */
  readonly tables: readonly string[]
}
