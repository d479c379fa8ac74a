import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { finish, sallyport, spawnProgram } from './command.ts'
import { REPOSITORY } from './plan.ts'
import { must, must0, type Step, type Tour, untilShown } from './showing.ts'

/** What the tour shows of evidence. */
export const EVIDENCE_STEPS: readonly Step[] = [
  { title: 'the evidence of today is built, and verifies without Sallyport', run: evidenceVerifies },
  { title: 'one byte of a copy of it is changed, and named', run: changedEvidenceIsNamed },
]

const VERIFIER = join(REPOSITORY, 'packages/verifier/src/cli.ts')

async function evidenceVerifies({ boundary }: Tour): Promise<string> {
  await untilShown(boundary)
  const today = new Date().toISOString().slice(0, 10)
  const folder = evidenceFolder(boundary)
  const period = ['--from', today, '--to', today, '-o', folder, '--disclose', 'statements']
  await must0(sallyport(boundary, 'evidence', 'build', ...period, '--profile', 'dana'))
  const { exitCode, stdout } = await verify(folder)
  must(exitCode === 0, `the verifier ended with ${exitCode}: ${stdout.trim()}`)
  const approvals = readFileSync(join(folder, 'artifacts/3-approvals.csv'), 'utf8')
  must(approvals.includes('refund'), 'the approval of the refund is not in the evidence')
  return stdout.trim().split('\n').at(-1)?.trim() ?? ''
}

async function changedEvidenceIsNamed({ boundary }: Tour): Promise<string> {
  const copy = join(boundary.folder, 'evidence-changed')
  cpSync(evidenceFolder(boundary), copy, { recursive: true })
  const log = join(copy, 'artifacts/1-access-log.csv')
  writeFileSync(log, readFileSync(log, 'utf8').replace('alice', 'malice'))
  const { exitCode, stdout } = await verify(copy)
  must(exitCode === 2, `the verifier ended with ${exitCode}`)
  return (
    stdout
      .split('\n')
      .find((line) => line.includes('✗'))
      ?.trim() ?? ''
  )
}

function evidenceFolder({ folder }: Tour['boundary']): string {
  return join(folder, 'evidence')
}

function verify(folder: string): ReturnType<typeof finish> {
  return finish(spawnProgram(VERIFIER, folder))
}
