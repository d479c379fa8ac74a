/**
 * What the pure layers may use of the platform beyond ECMAScript itself. They compile with `"types": []`, so anything that is not
 * declared here (timers, `Buffer`, `process`, `fetch`) is a compile error there. The shapes are the parts of the WHATWG standards
 * that every runtime has.
 */
export {}

declare global {
  interface TextEncoder {
    encode(input?: string): Uint8Array<ArrayBuffer>
    encodeInto(source: string, destination: Uint8Array): { readonly read: number; readonly written: number }
  }
  var TextEncoder: { new (): TextEncoder }

  interface TextDecoder {
    decode(input?: ArrayBuffer | ArrayBufferView, options?: { readonly stream?: boolean }): string
  }
  var TextDecoder: {
    new (label?: string, options?: { readonly fatal?: boolean; readonly ignoreBOM?: boolean }): TextDecoder
  }

  interface AbortSignal {
    readonly aborted: boolean
    readonly reason: unknown
    throwIfAborted(): void
  }
}
