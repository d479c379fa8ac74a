/** Plays the browser of a login: the demo and its tour have nobody to press buttons. */
export { type Arrival, browseAs, type Browser, createBrowser, type Visit } from '../packages/gateway/testkit/browser.ts'
