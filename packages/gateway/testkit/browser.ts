/** Plays the browser of a login, headless: follows redirects, keeps cookies, submits the forms that a person would. */

/** No login has more steps than this. */
const MAX_STEPS = 30

/** Where a browser ended up. */
export interface Arrival {
  readonly url: URL
  readonly status: number
  readonly body: string
}

/** What the browser plays. */
export interface Visit {
  /** Which button of the identity provider's page is pressed. */
  readonly person: string
  /** What is said to an application that asks to act for the person; yes unless given. `none` stops at the page that asks. */
  readonly consent?: 'yes' | 'no' | 'none'
  /** Stops in front of the first address that this accepts, without asking for it. */
  readonly until?: (url: URL) => boolean
  /** Told of each answer on the way. */
  readonly onResponse?: (url: URL, response: Response) => void
}

/** Logs somebody in from the address that `sallyport login` says, as far as the page or address at which it ends. */
export async function browseAs(person: string, address: string): Promise<Arrival> {
  return await createBrowser().visit(address, { person })
}

/** A browser with cookies of its own. */
export interface Browser {
  visit(address: string, visit: Visit): Promise<Arrival>
}

/** Opens a browser that knows no cookies. */
export function createBrowser(): Browser {
  const cookies = new CookieJar()
  return {
    visit: async (address, visit) => await follow({ url: new URL(address), method: 'GET' }, cookies, visit),
  }
}

interface Step {
  readonly url: URL
  readonly method: 'GET' | 'POST'
  readonly form?: URLSearchParams
}

async function follow(first: Step, cookies: CookieJar, visit: Visit): Promise<Arrival> {
  let step = first
  for (let count = 0; count < MAX_STEPS; count++) {
    if (visit.until?.(step.url) === true) return { url: step.url, status: 0, body: '' }
    const response = await ask(step, cookies)
    visit.onResponse?.(step.url, response)
    const location = response.headers.get('location')
    const body = await response.text()
    const next = location === null ? readForm(body, step.url, visit) : toGet(new URL(location, step.url))
    if (next === undefined) return { url: step.url, status: response.status, body }
    step = next
  }
  throw new Error('the login goes round in circles')
}

async function ask({ url, method, form }: Step, cookies: CookieJar): Promise<Response> {
  const cookie = cookies.header(url)
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: { accept: 'text/html', ...(cookie === '' ? {} : { cookie }) },
    ...(form === undefined ? {} : { body: form }),
  })
  cookies.keep(url, response.headers.getSetCookie())
  return response
}

function toGet(url: URL): Step {
  return { url, method: 'GET' }
}

/** The form that a person would submit on a page: the login of the one who is played, a confirmation, or one that submits itself. */
function readForm(html: string, base: URL, { person, consent = 'yes' }: Visit): Step | undefined {
  const form = /<form\b([^>]*)>([\s\S]*?)<\/form>/.exec(html)
  if (form === null) return undefined
  const [, attributes = '', content = ''] = form
  const button = `name="person" value="${person}"`
  const isLogin = content.includes(button)
  const isConfirmation = attributes.includes('id="op.deviceConfirmForm"')
  const isConsent = content.includes(`name="answer" value="${consent}"`)
  const isSubmittedByScript = html.includes('document.forms[0].submit()')
  if (!isLogin && !isConfirmation && !isConsent && !isSubmittedByScript) return undefined
  const fields = new URLSearchParams()
  for (const [input] of content.matchAll(/<input\b[^>]*type="hidden"[^>]*>/g))
    fields.set(attribute(input, 'name'), attribute(input, 'value'))
  if (isLogin) fields.set('person', person)
  if (isConsent) fields.set('answer', consent)
  return { url: new URL(attribute(attributes, 'action'), base), method: 'POST', form: fields }
}

function attribute(tag: string, name: string): string {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1] ?? ''
  return value
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
}

interface Cookie {
  readonly host: string
  readonly path: string
  readonly name: string
  readonly value: string
}

/** As browsers have it: by host, whatever the port, and by path. */
class CookieJar {
  #cookies: readonly Cookie[] = []

  keep({ hostname: host }: URL, headers: readonly string[]): void {
    for (const header of headers) {
      const [pair = '', ...attributes] = header.split(';')
      const [name = '', ...value] = pair.split('=')
      const settings = new Map(attributes.map((text) => [text.split('=')[0]?.trim().toLowerCase(), text.split('=')[1]]))
      const path = settings.get('path') ?? '/'
      this.#cookies = this.#cookies.filter(
        (cookie) => cookie.host !== host || cookie.path !== path || cookie.name !== name,
      )
      const isOver = value.join('=') === '' || Date.parse(settings.get('expires') ?? 'never') < Date.now()
      if (!isOver) this.#cookies = [...this.#cookies, { host, path, name, value: value.join('=') }]
    }
  }

  header({ hostname, pathname }: URL): string {
    return this.#cookies
      .filter(({ host, path }) => host === hostname && isWithin(pathname, path))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
  }
}

/** RFC 6265 §5.1.4. */
function isWithin(pathname: string, path: string): boolean {
  return (
    pathname === path || (pathname.startsWith(path) && (path.endsWith('/') || pathname.charAt(path.length) === '/'))
  )
}
