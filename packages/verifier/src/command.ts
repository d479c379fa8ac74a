import { basename, dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { VerifierError } from './errors.ts'
import { MAX_NOTE_BYTES } from './note.ts'
import { PACK_PATHS } from './pack/layout.ts'
import { formatJsonPackReport, formatPackReport } from './pack/pack-report.ts'
import { PackFolderSource } from './pack/pack-source.ts'
import { verifyPack } from './pack/verify-pack.ts'
import { EXIT_CODES, formatJsonReport, formatReport, seenJson } from './report.ts'
import { FolderSource, readWhole } from './source.ts'
import { parseVerifierKeys, type Trust } from './trail-head.ts'
import { MAX_VKEY_BYTES, type VerifierKey } from './verifier-key.ts'
import { verifyTrail } from './verify.ts'

const HELP = `Check a Sallyport trail or evidence pack, offline and without Sallyport.

  sallyport-verify evidence/                      an evidence pack
  sallyport-verify trail/                         the folder of a log
  sallyport-verify trail/ --vkey log.vkey         with the key you were given
  sallyport-verify trail/ --known-checkpoint old  and it continues what you hold

  --vkey KEY|FILE           the log's verifier key, or a file of them
  --known-checkpoint FILE   a signed checkpoint of this log that you hold
  --records                 print the records of a pack as JSON, one a line, as
                            they are checked; the result goes to standard error
  --json                    the result for a program

It shows whether anything changed since it was signed; not that a record was
true, nor that nothing was left out. Without --vkey the key is the folder's own,
and the result says whose it is: a script gives --vkey.
Exit: 0 intact · 2 altered · 3 incomplete · 4 cannot decide, or wrong usage
`

/** Where a command writes. */
export interface CommandOutput {
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
}

interface Request {
  readonly folder: string
  readonly showsRecords: boolean
  readonly isJson: boolean
  readonly trust: Trust
}

/** Runs `sallyport-verify` and gives its exit code. */
export async function runCommand(argv: readonly string[], output: CommandOutput): Promise<number> {
  let request: Request | undefined
  try {
    request = await parseRequest(argv)
  } catch (cause) {
    output.stderr(
      `sallyport-verify: ${cause instanceof Error ? cause.message : 'wrong usage'}\nTry sallyport-verify --help\n`,
    )
    return EXIT_CODES.undecided
  }
  if (request === undefined) {
    output.stdout(HELP)
    return 0
  }
  const pack = new PackFolderSource(request.folder)
  if (await pack.isPack([PACK_PATHS.manifest, PACK_PATHS.signature, PACK_PATHS.sums]))
    return await runOnPack(pack, request, output)
  const verification = await verifyTrail(new FolderSource(request.folder), request.trust)
  output.stdout(request.isJson ? formatJsonReport(verification) : formatReport(verification))
  return EXIT_CODES[verification.verdict]
}

async function runOnPack(source: PackFolderSource, request: Request, output: CommandOutput): Promise<number> {
  const { showsRecords, isJson, trust } = request
  const onRecord = (entry: Uint8Array): void => {
    output.stdout(`${seenJson(Buffer.from(entry).toString('utf8'))}\n`)
  }
  const verification = await verifyPack(source, trust, showsRecords ? { onRecord } : {})
  const report = isJson ? formatJsonPackReport(verification) : formatPackReport(verification)
  if (showsRecords) output.stderr(report)
  else output.stdout(report)
  return EXIT_CODES[verification.verdict]
}

async function parseRequest(argv: readonly string[]): Promise<Request | undefined> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      vkey: { type: 'string' },
      'known-checkpoint': { type: 'string' },
      records: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return undefined
  const [folder, ...rest] = positionals
  if (folder === undefined || rest.length > 0) throw new Error('one folder is expected: that of the pack or the trail')
  const keys = values.vkey === undefined ? {} : { keys: await readKeys(values.vkey) }
  const knownPath = values['known-checkpoint']
  const known = knownPath === undefined ? {} : { knownCheckpoint: await readGiven(knownPath, MAX_NOTE_BYTES) }
  return { folder, showsRecords: values.records, isJson: values.json, trust: { ...keys, ...known } }
}

/**
 * A verifier key has "+" twice and no path separator would stop it from being one: what parses is a key, anything else
 * a file.
 */
async function readKeys(keyOrFile: string): Promise<readonly VerifierKey[]> {
  try {
    return parseVerifierKeys(keyOrFile)
  } catch (cause) {
    if (!(cause instanceof VerifierError)) throw cause
  }
  return parseVerifierKeys((await readGiven(keyOrFile, MAX_VKEY_BYTES)).toString('utf8'))
}

async function readGiven(path: string, maxBytes: number): Promise<Buffer> {
  const bytes = await readWhole(new FolderSource(dirname(path)), basename(path), maxBytes)
  if (bytes === undefined) throw new Error(`there is no file ${path}`)
  return bytes
}
