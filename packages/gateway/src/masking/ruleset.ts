import { compileIins, type IinIndex } from './iin.ts'
import { iinTable, type IinRow } from './iin-table.ts'

/** What masking is configured with. */
export interface MaskingConfig {
  /** The issuer ranges; the published ones when left out. To add to those: `[...iinTable, …]`. */
  readonly iins?: readonly IinRow[]
}

/** Number of the rules in this folder; whatever changes what is found or how it is replaced raises it. */
const rulesVersion = 4

/**
 * The canonical text of the rules in force: what its digest names in a masking record. Equal text means that the same bytes are found and
 * replaced in the same way.
 */
export function rulesetText(config: MaskingConfig): string {
  const rows = (config.iins ?? iinTable).map(
    ({ brand, prefixes, lengths }) => `iin ${brand} ${prefixes.join(',')} ${lengths.join(',')}`,
  )
  return [`sallyport masking ${rulesVersion}`, 'pan keep last 4', 'sad abort', ...rows, ''].join('\n')
}

/** @throws {GatewayError} `SP_CONFIG_INVALID` for an issuer range that is none. */
export function iinsOf(config: MaskingConfig): IinIndex {
  return compileIins(config.iins)
}
