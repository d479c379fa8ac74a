import { EXIT_CODES, FolderSource, formatReport, verifyTrail } from '@sallyport/verifier'

/** What the verifier found, as it says it. */
export interface FolderVerification {
  readonly apiVersion: 'sallyport/v1'
  readonly kind: 'TrailVerification'
  readonly exitCode: number
  readonly lines: readonly string[]
}

/** Verifies a trail's folder exactly as `sallyport-verify DIR` does. */
export async function verifyTrailFolder(folder: string): Promise<FolderVerification> {
  const verification = await verifyTrail(new FolderSource(folder))
  const lines = formatReport(verification).trimEnd().split('\n')
  return { apiVersion: 'sallyport/v1', kind: 'TrailVerification', exitCode: EXIT_CODES[verification.verdict], lines }
}
