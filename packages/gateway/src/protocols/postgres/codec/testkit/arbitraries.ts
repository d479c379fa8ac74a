import fc from 'fast-check'
import { toUtf8 } from '#base'
import { bareTypes, type BareKind } from '../backend.ts'
import { type BackendMessage, type Format, type FrontendMessage, type StartupPacket } from '../index.ts'

/** How often a property is tried: 10^5 unless said otherwise. */
export const runs = Number(process.env['SALLYPORT_FUZZ_RUNS'] ?? 100_000)

/** Plain objects only: strict equality tells them from those without a prototype. */
function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true })
}

const name = fc.string({ maxLength: 12 }).map((text) => text.replaceAll('\0', ''))
const text = name.map(toUtf8)
const bytes = fc.uint8Array({ maxLength: 12 })
const int32 = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff })
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff })
const int16 = fc.integer({ min: -0x8000, max: 0x7fff })
const format = fc.constantFrom<Format>(0, 1)
const few = { maxLength: 3 }
const target = fc.constantFrom('statement' as const, 'portal' as const)

/** Two parameters, so that formats may number none, one or two. */
const formatsOfTwo = fc.oneof(fc.constant([]), fc.tuple(format), fc.tuple(format, format))
const bind = record({
  kind: fc.constant('bind' as const),
  portal: name,
  statement: name,
  parameterFormats: formatsOfTwo,
  parameters: fc.tuple(fc.option(bytes, { nil: undefined }), fc.option(bytes, { nil: undefined })),
  resultFormats: fc.array(format, few),
})

export const frontendMessage: fc.Arbitrary<FrontendMessage> = fc.oneof(
  record({ kind: fc.constant('query' as const), text }),
  record({ kind: fc.constant('parse' as const), name, text, parameterTypes: fc.array(uint32, few) }),
  bind,
  record({ kind: fc.constant('describe' as const), target, name }),
  record({ kind: fc.constant('execute' as const), portal: name, maxRows: int32 }),
  record({ kind: fc.constant('close' as const), target, name }),
  fc
    .constantFrom('flush' as const, 'sync' as const, 'terminate' as const, 'copyDone' as const)
    .map((kind) => ({ kind })),
  record({ kind: fc.constant('password' as const), data: bytes }),
  record({ kind: fc.constant('functionCall' as const), body: bytes }),
  record({ kind: fc.constant('copyData' as const), data: bytes }),
  record({ kind: fc.constant('copyFail' as const), reason: text }),
)

const column = record({
  name,
  tableId: uint32,
  attribute: int16,
  typeId: uint32,
  typeSize: int16,
  typeModifier: int32,
  format,
})
const value = fc.option(bytes, { nil: undefined })
const letter = fc.constantFrom('S', 'V', 'C', 'M', 'D', 'H', 'q')

export const dataRow = record({ kind: fc.constant('dataRow' as const), values: fc.array(value, few) })

export const backendMessage: fc.Arbitrary<BackendMessage> = fc.oneof(
  dataRow,
  record({ kind: fc.constant('authentication' as const), request: uint32, data: bytes }),
  record({ kind: fc.constant('backendKeyData' as const), processId: uint32, key: bytes }),
  record({ kind: fc.constant('parameterStatus' as const), name, value: name }),
  record({ kind: fc.constant('readyForQuery' as const), status: fc.constantFrom('I', 'T', 'E') }),
  record({ kind: fc.constant('rowDescription' as const), columns: fc.array(column, few) }),
  record({ kind: fc.constant('parameterDescription' as const), types: fc.array(uint32, few) }),
  record({ kind: fc.constant('commandComplete' as const), tag: name }),
  record({
    kind: fc.constantFrom('error' as const, 'notice' as const),
    fields: fc.array(fc.tuple(letter, name), few),
  }),
  record({
    kind: fc.constant('negotiateProtocolVersion' as const),
    version: uint32,
    unsupported: fc.array(name, few),
  }),
  record({ kind: fc.constant('notification' as const), processId: uint32, channel: name, payload: name }),
  record({
    kind: fc.constant('copyResponse' as const),
    type: fc.constantFrom(0x47, 0x48, 0x57),
    body: bytes,
  }),
  record({ kind: fc.constant('copyData' as const), data: bytes }),
  record({ kind: fc.constant('functionCallResponse' as const), value }),
  fc.constantFrom(...(Object.keys(bareTypes) as BareKind[])).map((kind) => ({ kind })),
)

const parameterName = name.filter((text) => text !== '')

export const startupPacket: fc.Arbitrary<StartupPacket> = fc.oneof(
  fc.constantFrom<StartupPacket>({ kind: 'ssl' }, { kind: 'gssenc' }),
  record({
    kind: fc.constant('cancel' as const),
    processId: uint32,
    key: fc.uint8Array({ minLength: 4, maxLength: 256 }),
  }),
  record({
    kind: fc.constant('startup' as const),
    major: fc.constant(3),
    minor: fc.integer({ min: 0, max: 0xffff }),
    parameters: fc.array(fc.tuple(parameterName, name), few).map((entries) => new Map(entries)),
  }),
)
