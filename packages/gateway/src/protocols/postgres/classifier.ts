import type { Shape } from '#model'

/**
 * The seam between the wire and the SQL parser. The parser runs in a disposable worker, so the answer is always a promise; it is never a
 * rejection: what could not be understood is a value with an incomplete shape, which policy denies.
 */
export interface Classifier {
  /**
   * Splits and classifies the text of one Query or Parse message. `session` is any object that stands for the session: texts of one wait
   * for each other, not for those of others.
   */
  classify(text: string, settings: ClassifierSettings, session?: object): Promise<Classification>
}

/** What the meaning of a text depends on besides the text. */
export interface ClassifierSettings {
  readonly database: string
  /** The one schema that unqualified names are looked up in, besides pg_catalog. */
  readonly searchPath: string
}

/** What became of one text. */
export type Classification =
  /** No statements for `''` or `';'`. */
  | { readonly kind: 'statements'; readonly statements: readonly ClassifiedStatement[] }
  /** PostgreSQL's own parser refused it: `shape.incomplete` is set, the template holds no text. */
  | {
      readonly kind: 'syntax-error'
      readonly shape: Shape
      /** The 1-based character at which it stopped. */
      readonly position?: number
      /** PostgreSQL's words for it, without those of the text. */
      readonly message?: string
    }
  /** It could not be classified, whatever it is: `shape.incomplete` is set. */
  | {
      readonly kind: 'failed'
      readonly shape: Shape
      readonly code: 'SP_CLASSIFIER_FAILED' | 'SP_CLASSIFIER_BUSY' | 'SP_OPERATION_TOO_LARGE'
    }

/** One statement of a text. */
export interface ClassifiedStatement {
  readonly shape: Shape
  /** First byte of this statement in the UTF-8 text. */
  readonly start: number
  /** Byte behind this statement in the UTF-8 text, without the semicolon. */
  readonly end: number
  /** Whether it ends the failed state of a transaction (ROLLBACK, COMMIT, ROLLBACK TO). */
  readonly exitsTransaction: boolean
}
