/** A process that has a uid's killer run, and is killed while it does. Arguments: a uid, and the command that the killer runs. */
import { killerOf } from '../isolation/own-uid.ts'
import { findTool } from '../isolation/tools.ts'

const [uid, ...command] = process.argv.slice(2)
void killerOf(findTool('setpriv') ?? 'setpriv', Number(uid), command).strike()
setInterval(() => undefined, 1_000)
