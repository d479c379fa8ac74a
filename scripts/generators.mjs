/** Every generated file: its path, and how its text comes about. The text goes through Prettier before it is compared or written. */

const notice = (source) => `<!-- Generated from ${source} by: npm run generate -->`

const errors = async () => {
  const source = 'packages/gateway/src/model/errors.ts'
  const { catalogue } = await import(`../${source}`)
  const cell = (text) => text.replaceAll('|', '\\|').replaceAll('<', '\\<')
  const rows = Object.entries(catalogue).map(
    ([code, entry]) => `| \`${code}\` | ${cell(entry.meaning)} | ${cell(entry.next)} | ${entry.retry} | ${entry.log} |`,
  )
  return [
    notice(source),
    '# Errors',
    'Every error that Sallyport gives: what it means, what to do next, whether the same attempt can succeed later, and the level of its log line. A code never changes its meaning.',
    ['| Code | Meaning | Next | Try again | Log |', '| --- | --- | --- | --- | --- |', ...rows].join('\n'),
    '',
  ].join('\n\n')
}

/** The JSON Schema of sallyport.yaml, for editors. */
const configuration = async () => {
  const { configSchema } = await import('../packages/gateway/src/app/config/schema.ts')
  return JSON.stringify(configSchema.toJSONSchema({ io: 'input', unrepresentable: 'any' }))
}

export const generators = [
  { file: 'docs/spec/errors.md', render: errors },
  { file: 'packages/gateway/config.schema.json', render: configuration },
]
