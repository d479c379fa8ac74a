import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemCallFilter } from './system-calls.ts'

const X64 = 0xc000003e
const I386 = 0x40000003
const ARM64 = 0xc00000b7
const ALLOWED = 'allowed'

/** Runs a filter as the kernel does, for one call. */
function answerOf(filter: Uint8Array, architecture: number, call: number, argument = 0): string {
  const data = new DataView(new ArrayBuffer(64))
  data.setUint32(0, call, true)
  data.setUint32(4, architecture, true)
  data.setUint32(16, argument, true)
  const view = new DataView(filter.buffer)
  let loaded = 0
  for (let at = 0; at < filter.length; at += 8) {
    const value = view.getUint32(at + 4, true)
    const [whenTrue, whenFalse] = [view.getUint8(at + 2), view.getUint8(at + 3)]
    const jump = (isTrue: boolean): void => {
      at += 8 * (isTrue ? whenTrue : whenFalse)
    }
    switch (view.getUint16(at, true)) {
      case 0x20:
        loaded = data.getUint32(value, true)
        break
      case 0x15:
        jump(loaded === value)
        break
      case 0x35:
        jump(loaded >= value)
        break
      case 0x06:
        return value === 0x7fff0000 ? ALLOWED : `error ${String(value & 0xffff)}`
      default:
        assert.fail('no such instruction')
    }
  }
  return assert.fail('it ended without an answer')
}

for (const [name, architecture, socket] of [
  ['x64', X64, 41],
  ['arm64', ARM64, 198],
] as const) {
  test(`${name}: sockets of a namespace, and no others`, () => {
    const filter = systemCallFilter(name) ?? assert.fail()
    for (let family = 0; family < 64; family++) {
      const expected = [1, 2, 10, 16].includes(family) ? ALLOWED : 'error 97'
      assert.equal(answerOf(filter, architecture, socket, family), expected, `family ${String(family)}`)
    }
  })

  test(`${name}: every other call but those that get round it`, () => {
    const filter = systemCallFilter(name) ?? assert.fail()
    for (let call = 0; call < 600; call++) {
      const expected = call === 425 ? 'error 38' : ALLOWED
      if (call !== socket) assert.equal(answerOf(filter, architecture, call, 40), expected, `call ${String(call)}`)
    }
    assert.equal(answerOf(filter, architecture, 0x40000000 + socket, 2), 'error 38')
    assert.equal(answerOf(filter, I386, 102, 1), 'error 38')
  })
}

test('no filter for a machine whose calls are not known', () => {
  assert.equal(systemCallFilter('riscv64'), undefined)
})
