import { GatewayError } from '#model'

/** The error about a file, or a folder, of the boundary that cannot be read. */
export function unreadable(path: string, cause: unknown, kind: '' | 'folder ' = ''): GatewayError {
  const { code = 'unknown error' } = cause as NodeJS.ErrnoException
  const message = code === 'ENOENT' ? `there is no ${kind}${path}` : `${path} cannot be read: ${code}`
  return new GatewayError('SP_CONFIG_MISSING', message, { cause })
}
