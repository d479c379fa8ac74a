import type { MaskingConfig } from '#masking'

/** What is looked for: the same in results, in records and in logs, in every thread and every command. */
export const detectors: MaskingConfig = {}
