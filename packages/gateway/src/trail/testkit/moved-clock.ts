import { setImmediate as nextTurn } from 'node:timers/promises'
import type { TestContext } from 'node:test'
import type { Clock } from '#base'

/** A clock that the test moves; it creeps between, so that no two looks see the same time. It begins on 2026-11-21 at noon, UTC. */
export class MovedClock implements Clock {
  #ms = 0

  move(byMs: number): void {
    this.#ms += byMs
  }

  nowMs(): number {
    return Date.UTC(2026, 10, 21, 12) + this.monotonicMs()
  }

  monotonicMs(): number {
    this.#ms += 0.01
    return this.#ms
  }
}

/** Moves the clock and the intervals that the test has mocked, and gives everybody else their turns, until a condition holds. */
export async function passTime(t: TestContext, clock: MovedClock, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    clock.move(1_000)
    t.mock.timers.tick(250)
    for (let turn = 0; turn < 20; turn += 1) await nextTurn()
  }
}
