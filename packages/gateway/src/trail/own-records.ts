import type { JsonObject } from '#base'
import type { Item, ItemMaker } from './items.ts'
import { lifecycleFacts, productFacts } from './lifecycle-facts.ts'
import { completionFacts } from './open-intents.ts'
import { gapDetails, type Outage } from './outage.ts'
import type { Recovery } from './recovery.ts'
import type { Counts } from './write-ahead.ts'

/** What the trail writes of itself: start, stop, heartbeats, gaps, and the outcomes that recovery owes. */
export class OwnRecords {
  readonly #maker: ItemMaker
  readonly #product: JsonObject
  readonly #nowMs: () => number

  constructor(maker: ItemMaker, version: string, nowMs: () => number) {
    this.#maker = maker
    this.#product = productFacts(version)
    this.#nowMs = nowMs
  }

  /** The first record of a process: what it goes on from, and what was cut. */
  start(
    recovery: Recovery,
    facts: { readonly segment: number; readonly keyId: string; readonly verifierKey: string },
  ): Item {
    const { previous, size, open, cuts } = recovery
    const details = {
      key_id: facts.keyId,
      open: open.length,
      ...(previous.text === '' ? {} : { previous: { root: previous.text.split('\n')[2] ?? '', size: previous.size } }),
      recovered: size - previous.size,
      runtime: process.version,
      segment: facts.segment,
      verifier_key: facts.verifierKey,
    }
    return this.#make(lifecycleFacts('start', this.#product, details, cuts))
  }

  /** An outcome for each intent that a crash left without one. */
  completions(recovery: Recovery): readonly Item[] {
    return recovery.open.map((open) => this.#make(completionFacts(open)))
  }

  stop(counts: Counts): Item {
    return this.#make(lifecycleFacts('stop', this.#product, { intents: counts.intents, records: counts.records }))
  }

  heartbeat(details: JsonObject): Item {
    return this.#make(lifecycleFacts('heartbeat', this.#product, details))
  }

  /** Declares a while in which records were refused. */
  gap(outage: Outage, segment: number): Item {
    const details = gapDetails(outage, this.#nowMs(), segment)
    return this.#make(lifecycleFacts('gap', this.#product, details, outage.cuts))
  }

  #make(facts: JsonObject): Item {
    return this.#maker.own(facts, this.#nowMs())
  }
}
