import { runCommand } from './command.ts'

// exitCode instead of exit(): a report that goes into a pipe is written to its end first.
process.exitCode = await runCommand(process.argv.slice(2), {
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
})
