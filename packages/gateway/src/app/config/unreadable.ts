import { GatewayError } from '#model'

/** The error about a file, or a folder, of the boundary that cannot be read. */
export function unreadable(path: string, cause: unknown, kind: '' | 'folder ' = ''): GatewayError {
  return new GatewayError('SP_CONFIG_MISSING', whyUnreadable(path, cause, kind), { cause })
}

/** Why something cannot be read, in words. */
export function whyUnreadable(path: string, cause: unknown, kind: '' | 'folder ' = ''): string {
  const { code = 'unknown error' } = cause as NodeJS.ErrnoException
  return code === 'ENOENT' ? `there is no ${kind}${path}` : `${path} cannot be read: ${code}`
}
