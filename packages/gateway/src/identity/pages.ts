import { createHash } from 'node:crypto'

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:12vh auto;padding:0 1rem;color:#1b1f24;background:#fff}
h1{font-size:1.4rem}p{margin:.6rem 0}code{font-size:1.6rem;letter-spacing:.1em}.small{color:#57606a;font-size:.9rem}
button,input{font:inherit;padding:.5rem .9rem;margin:.4rem .4rem .4rem 0}input{text-transform:uppercase}
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}.small{color:#8d96a0}}`

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

/**
 * Headers of everything that is answered here. `script-src` allows nothing; the library adds the digest of its own form where it submits
 * one. `form-action` is left open: browsers apply it to the redirects behind a form too, and the device form leads to the identity provider.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': `default-src 'none'; script-src; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'`,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
}

/** A page: a heading, lines of plain words, and markup that the caller vouches for. */
export interface Page {
  readonly title: string
  readonly lines: readonly string[]
  /** Trusted HTML between the lines and the small print. */
  readonly markup?: string
  readonly small?: string
}

/** Renders a page; all text is escaped. */
export function renderPage({ title, lines, markup = '', small }: Page): string {
  const paragraphs = lines.map((line) => `<p>${escapeHtml(line)}</p>`).join('\n')
  const smallPrint = small === undefined ? '' : `<p class="small">${escapeHtml(small)}</p>`
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} - Sallyport</title><style>${STYLE}</style></head>
<body>
<h1>${escapeHtml(title)}</h1>
${paragraphs}
${markup}
${smallPrint}
</body>
</html>
`
}

/** Makes text safe between tags and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}
