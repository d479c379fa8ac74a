import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FILTER_FILE, systemCallFilter } from './system-calls.ts'

/**
 * Makes the folder of one child: `door` for the socket, `etc` with a few files that name nobody but itself, `root` as an empty place to mount
 * at, `tmp` for children that have no `/tmp` of their own, and what the kernel is to refuse it. The folder above is closed to everybody but us;
 * what is mounted from below is not.
 */
export async function makeChildFolder(folder: string, uid: number): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { mode: 0o700 })
  for (const name of ['door', 'etc', 'root', 'tmp']) {
    await mkdir(join(folder, name))
    await chmod(join(folder, name), 0o755)
  }
  const id = String(uid)
  const files = {
    passwd: `child:x:${id}:${id}::/tmp:/bin/sh\n`,
    group: `child:x:${id}:\n`,
    hosts: '127.0.0.1 localhost\n',
    'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\n',
    'resolv.conf': '',
  }
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder, 'etc', name), text)
    await chmod(join(folder, 'etc', name), 0o644)
  }
  const filter = systemCallFilter(process.arch)
  if (filter !== undefined) await writeFile(join(folder, FILTER_FILE), filter)
}
