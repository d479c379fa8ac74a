import { type Bytes, fromUtf8 } from '#base'
import { elementsOf, entriesOf, isArray, isObject, type Span } from './codec/index.ts'

/** Writes a JSON text that was checked over several lines, so that people can review it; every string and number stays as it was written. */
export function indent(bytes: Bytes): string {
  return block(bytes, { start: 0, end: bytes.length }, '')
}

function block(bytes: Bytes, value: Span, margin: string): string {
  const inner = `${margin}  `
  if (isObject(bytes, value)) {
    const members = entriesOf(bytes, value).map(
      ({ name, value: member }) => `${inner}${raw(bytes, name)}: ${block(bytes, member, inner)}`,
    )
    return members.length === 0 ? '{}' : `{\n${members.join(',\n')}\n${margin}}`
  }
  if (isArray(bytes, value)) {
    const elements = elementsOf(bytes, value).map((element) => `${inner}${block(bytes, element, inner)}`)
    return elements.length === 0 ? '[]' : `[\n${elements.join(',\n')}\n${margin}]`
  }
  return raw(bytes, value)
}

function raw(bytes: Bytes, { start, end }: Span): string {
  return fromUtf8(bytes.subarray(start, end))
}
