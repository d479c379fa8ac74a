import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { probeIsolation } from '#protocols/mcp'

/** Whether a gateway can keep MCP servers apart on this machine; where it cannot, it starts one only if its block accepts that. */
export async function canIsolate(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-probe-'))
  try {
    const { isolation } = await probeIsolation({ folder })
    isolation?.close?.()
    return isolation !== undefined
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
