import type { Table } from './table.ts'

/** One disclosed payload. */
export interface Statement {
  readonly record: number
  readonly text: string
}

/** Artifact 1: what was asked exactly, where it is disclosed. */
export const STATEMENTS: Table<Statement> = {
  name: '1-statements',
  artifact: 1,
  title: 'What was asked exactly (statements with their parameters, arguments of tool calls), card data replaced',
  query:
    'the payloads of payloads.jsonl, opened with the keys there; each record commits to both (unmapped.payload.sha256, unmapped.payload.key_sha256)',
  columns: [
    { name: 'record', from: 'metadata.sequence of the intent', of: ({ record }) => record },
    { name: 'statement', from: 'the payload as UTF-8', of: ({ text }) => text },
  ],
}
