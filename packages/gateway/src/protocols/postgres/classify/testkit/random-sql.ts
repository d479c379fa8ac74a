import fc from 'fast-check'

/** The tables that random statements are about; each has the integer columns `a`, `b` and `id`, the last one unique. */
export const randomTables: readonly string[] = ['t', 's', 'x', 'c', 'sales.t', 'sales.x']

const columnNames = ['a', 'b', 'id'] as const

/** A statement over `randomTables`, mostly one that PostgreSQL accepts: nested scopes, shadowing names, every place a subquery can be in. */
export const randomStatements: fc.Arbitrary<string> = fc
  .array(fc.nat(0xffff), { minLength: 40, maxLength: 120 })
  .map((tape) => new Writer(tape).statement())

/** Writes SQL by reading choices off a tape, so that fast-check can shrink what it wrote. */
class Writer {
  readonly #tape: readonly number[]
  #at = 0
  #names = 0

  constructor(tape: readonly number[]) {
    this.#tape = tape
  }

  statement(): string {
    switch (this.#below(7)) {
      case 0:
        return this.#insert()
      case 1:
        return this.#update()
      case 2:
        return this.#delete()
      default:
        return this.#query([], 3)
    }
  }

  /** The next choice; when the tape is at its end, always the first, so that everything ends. */
  #below(limit: number): number {
    return (this.#tape[this.#at++] ?? 0) % limit
  }

  #pick<T>(items: readonly [T, ...T[]] | readonly T[], fallback: T): T {
    return items[this.#below(items.length)] ?? fallback
  }

  /** A name that may already mean something else. */
  #name(): string {
    return this.#pick(['t', 's', 'x', 'c', `n${this.#names++}`], 'n')
  }

  /** A query of one column; `scope` are the sources around it. */
  #query(scope: readonly string[], depth: number): string {
    const ctes = depth > 0 && this.#below(4) === 0 ? this.#with(scope, depth - 1) : ''
    if (depth > 0 && this.#below(8) === 0) {
      return `${ctes}(${this.#select(scope, depth - 1)}) union all (${this.#select(scope, depth - 1)})`
    }
    return ctes + this.#select(scope, depth)
  }

  #with(scope: readonly string[], depth: number): string {
    const items = Array.from(
      { length: 1 + this.#below(2) },
      () => `${this.#name()} (a) as (${this.#query(scope, depth)})`,
    )
    const names = new Set(items.map((item) => item.split(' ')[0]))
    return names.size === items.length ? `with ${items.join(', ')} ` : `with ${items[0] ?? ''} `
  }

  #select(outer: readonly string[], depth: number): string {
    const aliases: string[] = []
    const from = Array.from({ length: 1 + this.#below(2) }, () => this.#fromItem(outer, aliases, depth))
    const scope = [...aliases, ...outer]
    const where = this.#below(2) === 0 ? ` where ${this.#condition(scope, depth)}` : ''
    const tail = this.#tail(scope, depth)
    return `select ${this.#expression(scope, depth)} as a from ${from.join(', ')}${where}${tail}`
  }

  #tail(scope: readonly string[], depth: number): string {
    switch (this.#below(8)) {
      case 0:
        return ` order by ${this.#expression(scope, depth)}`
      case 1:
        return ` limit ${depth > 0 ? `(select 1 from ${this.#pick(randomTables, 't')} limit 1)` : '1'}`
      case 2:
        return ' order by 1'
      default:
        return ''
    }
  }

  /** Adds its alias to `aliases`, unless that name is taken at this level. */
  #fromItem(outer: readonly string[], aliases: string[], depth: number): string {
    const alias = aliases.length === 0 ? this.#name() : `f${this.#names++}`
    const item = this.#source(outer, aliases, depth)
    aliases.push(alias)
    if (this.#below(4) > 0 || depth === 0) return `${item} as ${alias}`
    const other = `j${this.#names++}`
    aliases.push(other)
    return `${item} as ${alias} join ${this.#pick(randomTables, 't')} as ${other} on ${this.#condition([alias, other], depth - 1)}`
  }

  #source(outer: readonly string[], siblings: readonly string[], depth: number): string {
    switch (depth > 0 ? this.#below(8) : 7) {
      case 0:
        return `(${this.#query(outer, depth - 1)})`
      case 1:
        return `lateral (${this.#query([...siblings, ...outer], depth - 1)})`
      case 2:
        return this.#pick(['c', 't', 's', 'x'], 't')
      default:
        return this.#pick(randomTables, 't')
    }
  }

  #column(scope: readonly string[]): string {
    const qualifier = this.#pick(scope, '')
    // Subqueries and CTEs have the column `a` only, so that one is right most often.
    const name = this.#pick(['a', 'a', 'a', 'a', 'a', 'a', ...columnNames], 'a')
    if (qualifier === '') return '1'
    return this.#below(12) === 0 ? name : `${qualifier}.${name}`
  }

  #expression(scope: readonly string[], depth: number): string {
    switch (this.#below(depth > 0 ? 10 : 5)) {
      case 5:
        return `(select max(q.a) from (${this.#query(scope, depth - 1)}) as q)`
      case 6:
        return `(select z.a from (${this.#query(scope, depth - 1)}) as z limit 1)`
      case 7:
        return `coalesce(${this.#expression(scope, depth - 1)}, ${this.#expression(scope, depth - 1)})`
      case 8:
        return `case when ${this.#condition(scope, depth - 1)} then ${this.#column(scope)} else 2 end`
      case 9:
        return `${this.#column(scope)} + ${this.#expression(scope, depth - 1)}`
      case 4:
        return '3'
      default:
        return this.#column(scope)
    }
  }

  #condition(scope: readonly string[], depth: number): string {
    switch (this.#below(depth > 0 ? 6 : 2)) {
      case 2:
        return `exists (${this.#query(scope, depth - 1)})`
      case 3:
        return `${this.#column(scope)} in (${this.#query(scope, depth - 1)})`
      case 4:
        return `${this.#column(scope)} = any (array(${this.#query(scope, depth - 1)}))`
      case 5:
        return `not ${this.#condition(scope, depth - 1)}`
      default:
        return `${this.#column(scope)} = ${this.#expression(scope, depth)}`
    }
  }

  #insert(): string {
    const table = this.#pick(randomTables, 't')
    const column = this.#pick(columnNames, 'a')
    const rows = this.#below(2) === 0 ? `values (${this.#expression([], 1)})` : this.#query([], 2)
    const conflict =
      this.#below(2) === 0
        ? ` on conflict (id) do update set b = ${this.#expression(['excluded', 'target'], 1)} where ${this.#condition(['target', 'excluded'], 1)}`
        : ''
    return `insert into ${table} as target (${column}) ${rows}${conflict}${this.#returning('target')}`
  }

  #update(): string {
    const from = this.#below(2) === 0 ? ` from ${this.#source([], [], 1)} as other` : ''
    const scope = from === '' ? ['target'] : ['target', 'other']
    const ctes = this.#below(3) === 0 ? this.#with([], 1) : ''
    const where = this.#below(3) > 0 ? ` where ${this.#condition(scope, 2)}` : ''
    const set = `set ${this.#pick(columnNames, 'a')} = ${this.#expression(scope, 2)}`
    return `${ctes}update ${this.#pick(randomTables, 't')} as target ${set}${from}${where}${this.#returning('target')}`
  }

  #delete(): string {
    const using = this.#below(2) === 0 ? ` using ${this.#source([], [], 1)} as other` : ''
    const scope = using === '' ? ['target'] : ['target', 'other']
    const where = this.#below(3) > 0 ? ` where ${this.#condition(scope, 2)}` : ''
    const ctes = this.#below(3) === 0 ? this.#with([], 1) : ''
    return `${ctes}delete from ${this.#pick(randomTables, 't')} as target${using}${where}${this.#returning('target')}`
  }

  #returning(target: string): string {
    switch (this.#below(4)) {
      case 0:
        return ` returning ${target}.*`
      case 1:
        return ` returning ${this.#expression([target], 1)}`
      case 2:
        return ` returning old.a, new.b`
      default:
        return ''
    }
  }
}
