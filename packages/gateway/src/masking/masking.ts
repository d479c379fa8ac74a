import type { Masking, ResultColumn } from '#model'
import { strictAlphabet } from './alphabet.ts'
import { Readers } from './readers.ts'
import { iinsOf, type MaskingConfig } from './ruleset.ts'
import { CardScrubber } from './scrub.ts'
import { SuspectFinder } from './suspect.ts'
import { type SharedMasking, ValueMasker } from './values.ts'

/** {@link Masking}, with what this layer's own classes offer beyond the port. */
export interface CardMasking extends Masking {
  readonly scrubber: CardScrubber
  begin(columns: readonly ResultColumn[]): ValueMasker
}

/**
 * Builds the masking of one process. `ruleset` is the digest of {@link rulesetText} of the same configuration and is copied into every
 * masking record.
 *
 * @throws {GatewayError} `SP_CONFIG_INVALID` for an issuer range that is none.
 */
export function createMasking(config: MaskingConfig, ruleset: string): CardMasking {
  const iins = iinsOf(config)
  const scrubber = new CardScrubber(iins)
  const shared: SharedMasking = {
    iins,
    ruleset,
    scrubber,
    readers: new Readers(iins),
    suspects: new SuspectFinder(strictAlphabet),
  }
  return { scrubber, begin: (columns) => new ValueMasker(shared, columns) }
}

/** Builds a scrubber alone, for processes that log and mask nothing else. */
export function createScrubber(config: MaskingConfig): CardScrubber {
  return new CardScrubber(iinsOf(config))
}
