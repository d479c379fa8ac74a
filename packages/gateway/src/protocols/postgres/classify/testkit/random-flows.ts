import fc from 'fast-check'

/** The tables of these statements; each has the text columns of `flowColumns`, `id` is unique. */
export const flowTables: readonly string[] = ['t', 's', 'x', 'c']
export const flowColumns: readonly string[] = ['a', 'b', 'id']

/**
 * A statement over `flowTables` in which text goes every way: through subqueries, CTEs, joins, set operations and aggregates, whole or taken
 * apart. Mostly one that PostgreSQL accepts, and with one answer whatever plan it chooses, but for the order of rows.
 */
export const randomFlows: fc.Arbitrary<string> = fc
  .array(fc.nat(0xffff), { minLength: 60, maxLength: 120 })
  .map((tape) => new Writer(tape).statement())

/** Writes SQL by reading choices off a tape, so that fast-check can shrink what it wrote. */
class Writer {
  readonly #tape: readonly number[]
  #at = 0
  #names = 0
  readonly #ctes: string[] = []

  constructor(tape: readonly number[]) {
    this.#tape = tape
  }

  statement(): string {
    switch (this.#below(10)) {
      case 0:
        return this.#insert()
      case 1:
        return this.#update()
      case 2:
        return this.#delete()
      default:
        return this.#query([], 1 + this.#below(3))
    }
  }

  /** The next choice; when the tape is at its end, always the last, so that everything ends. */
  #below(limit: number): number {
    return (this.#tape[this.#at++] ?? limit - 1) % limit
  }

  #pick(items: readonly string[]): string {
    return items[this.#below(items.length)] ?? items[0] ?? ''
  }

  /** A table, or a CTE that is in sight. */
  #table(): string {
    return this.#pick([...flowTables, ...this.#ctes, ...this.#ctes])
  }

  #name(): string {
    return this.#pick(['t', 's', 'c', `n${this.#names++}`, `n${this.#names++}`])
  }

  /** A query with the columns `a` and `b`; `scope` are the sources around it. */
  #query(scope: readonly string[], depth: number): string {
    if (depth > 0 && this.#below(5) === 0) {
      const name = this.#name()
      const ctes = this.#with(name, scope, depth - 1)
      this.#ctes.push(name)
      const query = this.#body(scope, depth)
      this.#ctes.pop()
      return ctes + query
    }
    return this.#body(scope, depth)
  }

  #body(scope: readonly string[], depth: number): string {
    if (depth === 0 || this.#below(5) > 0) return this.#select(scope, depth)
    const operation = this.#pick(['union all', 'union all', 'union', 'intersect', 'except'])
    const order = this.#below(4) === 0 ? ' order by 1, 2' : ''
    return `(${this.#select(scope, depth - 1)}) ${operation} (${this.#select(scope, depth - 1)})${order}`
  }

  #with(name: string, scope: readonly string[], depth: number): string {
    switch (this.#below(4)) {
      case 0:
        return `with ${name} (b, a) as (${this.#query(scope, depth)}) `
      case 1:
        return `with recursive ${name} (a, b) as ((${this.#select(scope, depth)}) union select ${name}.b, ${this.#expression([name], 0)} from ${name} where length(${name}.b) < 8) `
      case 2:
        return `with ${name} as (delete from ${this.#pick(flowTables)} as d returning d.a, ${this.#expression(['d'], 0)} as b) `
      default:
        return `with ${name} as (${this.#query(scope, depth)}) `
    }
  }

  #select(outer: readonly string[], depth: number): string {
    const aliases: string[] = []
    const items = [this.#fromItem(outer, aliases, depth)]
    if (this.#below(3) === 0) items.push(this.#fromItem(outer, aliases, Math.min(depth, 1)))
    const scope = [...aliases, ...aliases, ...outer]
    const from = items.join(', ')
    const where = this.#below(3) === 0 ? ` where ${this.#condition(scope, depth)}` : ''
    switch (this.#below(8)) {
      case 0:
        return this.#grouped(scope, `${from}${where}`, depth)
      case 1:
        return `select * from (select ${this.#outputs(scope, depth)} from ${from}${where}) w${this.#names++}`
      case 2:
        return `select distinct ${this.#outputs(scope, depth)} from ${from}${where}`
      case 3: {
        const key = this.#column(aliases)
        return `select distinct on (${key}) ${key} as a, 'k' as b from ${from}${where} order by ${key}`
      }
      default:
        return `select ${this.#outputs(scope, depth)} from ${from}${where}${this.#order(scope)}`
    }
  }

  #outputs(scope: readonly string[], depth: number): string {
    switch (this.#below(6)) {
      case 0:
        return `${this.#column(scope)} as a, ${this.#window(scope)} as b`
      case 1:
        return `${this.#expression(scope, depth)} as b, ${this.#column(scope)} as a`
      default:
        return `${this.#expression(scope, depth)} as a, ${this.#column(scope)} as b`
    }
  }

  #order(scope: readonly string[]): string {
    return this.#pick(['', '', '', ' order by 1', ' order by b, a', ` order by ${this.#column(scope)}`])
  }

  #grouped(scope: readonly string[], from: string, depth: number): string {
    const key = this.#below(3) > 0 ? this.#column(scope) : this.#expression(scope, depth)
    const having = this.#below(4) === 0 ? ` having ${this.#aggregate(scope)} = ${this.#literal()}` : ''
    const by = this.#pick(['1', key, `rollup (${key})`])
    return `select ${key} as a, ${this.#aggregate(scope)} as b from ${from} group by ${by}${having}`
  }

  #aggregate(scope: readonly string[]): string {
    const column = this.#column(scope)
    const filter = this.#below(5) === 0 ? ` filter (where ${this.#condition(scope, 0)})` : ''
    switch (this.#below(8)) {
      case 0:
        return `string_agg(${column}, '-' order by ${column})${filter}`
      case 1:
        return `array_agg(${column} order by ${column})${filter}::text`
      case 2:
        return `array_agg(distinct ${column})${filter}::text`
      case 3:
        return `count(distinct ${column})${filter}::text`
      case 4:
        return `json_agg(${column} order by ${column})${filter}::text`
      case 5:
        return `max(${column})${filter}`
      case 6:
        return `array_to_string(array_agg(${column} order by ${column})${filter}, '')`
      default:
        return `min(${column})${filter}`
    }
  }

  #window(scope: readonly string[]): string {
    const [one, other] = [this.#column(scope), this.#column(scope)]
    return this.#pick([
      `(rank() over (order by ${one}))::text`,
      `(count(*) over (partition by ${one}))::text`,
      `(count(${one}) over (order by ${other}))::text`,
      `max(${one}) over (partition by ${other})`,
      `first_value(${one}) over (order by ${one})`,
    ])
  }

  /** Adds its alias to `aliases`, unless that name is taken at this level. */
  #fromItem(outer: readonly string[], aliases: string[], depth: number): string {
    const alias = aliases.length === 0 ? this.#name() : `f${this.#names++}`
    const item = this.#source(outer, aliases, alias, depth)
    aliases.push(alias)
    if (this.#below(5) > 0) return item
    const other = `j${this.#names++}`
    const right = this.#source(outer, [], other, Math.max(depth - 1, 0))
    aliases.push(other)
    const [one, two] = [`${alias}.${this.#pick(['a', 'b'])}`, `${other}.${this.#pick(['a', 'b'])}`]
    switch (this.#below(6)) {
      case 0:
        return `${item} full join ${right} on ${one} = ${two}`
      case 1:
        return `${item} full join ${right} using (a)`
      case 2:
        return `${item} join ${right} using (a)`
      case 3:
        return `${item} natural join ${right}`
      case 4:
        return `${item} left join ${right} on ${this.#condition([alias, other], 0)}`
      default:
        return `${item} join ${right} on ${one} = ${two}`
    }
  }

  #source(outer: readonly string[], siblings: readonly string[], alias: string, depth: number): string {
    switch (this.#below(depth > 0 ? 16 : 11)) {
      case 0:
        return `(values ('m0130', 'k'), ('p0260x', 'm0130'), (${this.#literal()}, 'k')) as ${alias} (a, b)`
      case 1:
        return `(select 'p0' || g::text as a, 'k' as b from generate_series(110, 140) g) as ${alias}`
      case 2:
        return `${this.#pick(flowTables)} as ${alias} (b, a)`
      case 3:
        return `(select * from ${this.#table()}) as ${alias}`
      case 4:
        return `(select a as b, b as a from ${this.#table()}) as ${alias}`
      case 11:
        return `lateral (${this.#query([...siblings, ...outer], depth - 1)}) as ${alias}`
      case 12:
        return `(${this.#query(outer, depth - 1)}) as ${alias} (b, a)`
      case 13:
      case 14:
        return `(${this.#query(outer, depth - 1)}) as ${alias}`
      default:
        return `${this.#table()} as ${alias}`
    }
  }

  #column(scope: readonly string[]): string {
    if (scope.length === 0) return this.#literal()
    const name = this.#pick(['a', 'a', 'a', 'b', 'b'])
    return this.#below(15) === 0 ? name : `${this.#pick(scope)}.${name}`
  }

  #literal(): string {
    return this.#pick(["'k'", "'m0130'", "'m0130'", "'p0260x'", "''", 'null::text'])
  }

  #expression(scope: readonly string[], depth: number): string {
    if (this.#below(5) > 1) return this.#column(scope)
    const deeper = Math.max(depth - 1, 0)
    const whole = this.#below(2) === 0
    return whole ? this.#holding(scope, deeper) : this.#altering(scope, deeper)
  }

  /** Expressions that mostly leave a value as it is. */
  #holding(scope: readonly string[], depth: number): string {
    const one = (): string => this.#expression(scope, depth)
    const qualifier = scope.length === 0 ? 'null' : this.#pick(scope)
    switch (this.#below(14)) {
      case 0:
        return `coalesce(${one()}, ${one()})`
      case 1:
        return `nullif(${one()}, ${one()})`
      case 2:
        return `case when ${this.#condition(scope, depth)} then ${one()} else ${one()} end`
      case 3:
        return `case ${one()} when ${one()} then ${one()} end`
      case 4:
        return depth > 0 ? `(select min(q.a) from (${this.#query(scope, depth - 1)}) as q)` : this.#literal()
      case 5:
        return depth > 0 ? `(select max(q.b) from (${this.#query(scope, depth - 1)}) as q)` : this.#literal()
      case 6:
        return `array[${one()}, ${one()}]::text`
      case 7:
        return `row(${one()}, ${one()})::text`
      case 8:
        return `to_json(${one()})::text`
      case 9:
        return `json_build_object('k', ${one()})::text`
      case 10:
        return `${qualifier}::text`
      case 11:
        return `row_to_json(${qualifier})::text`
      case 12:
        return `(${one()} collate "C")`
      default:
        return `${one()}::varchar`
    }
  }

  #altering(scope: readonly string[], depth: number): string {
    const one = (): string => this.#expression(scope, depth)
    const qualifier = scope.length === 0 ? 'null' : this.#pick(scope)
    switch (this.#below(14)) {
      case 0:
        return `${one()} || 'x'`
      case 1:
        return `concat(${one()}, ${one()})`
      case 2:
        return `upper(${one()})`
      case 3:
        return `length(${one()})::text`
      case 4:
        return `greatest(${one()}, ${one()})`
      case 5:
        return `least(${one()}, ${this.#literal()})`
      case 6:
        return `array_to_string(array[${one()}, ${one()}], '-')`
      case 7:
        return `(array[${one()}, ${one()}])[1]`
      case 8:
        return `(to_json(${qualifier}) ->> 'a')`
      case 9:
        return `(${one()} < ${one()})::text`
      case 10:
        return `(${this.#condition(scope, depth)})::text`
      case 11:
        return `length(${qualifier}::text)::text`
      case 12:
        return `(select string_agg(q.x, '-') from (select ${one()} as x) as q)`
      default:
        return `initcap(${one()})`
    }
  }

  #condition(scope: readonly string[], depth: number): string {
    const one = (): string => this.#expression(scope, 0)
    switch (this.#below(depth > 0 ? 16 : 12)) {
      case 0:
        return `${one()} <> ${one()}`
      case 1:
        return `${one()} in (${one()}, ${this.#literal()})`
      case 2:
        return `${one()} is not distinct from ${one()}`
      case 3:
        return `${one()} is null`
      case 4:
        return `${one()} < ${this.#literal()}`
      case 5:
        return `${one()} like 'p01%'`
      case 6:
        return `${one()} between ${this.#literal()} and ${one()}`
      case 7:
        return `${one()} = any (array[${one()}, ${this.#literal()}])`
      case 8:
        return `not (${this.#column(scope)} = ${one()} or ${one()} >= ${one()})`
      case 12:
        return `exists (${this.#query(scope, depth - 1)})`
      case 13:
        return `${one()} in (select q.a from (${this.#query(scope, depth - 1)}) as q)`
      case 14:
        return `${one()} = any (array(select q.b from (${this.#query(scope, depth - 1)}) as q))`
      case 15:
        return `${one()} > all (select q.b from (${this.#query(scope, depth - 1)}) as q)`
      default:
        return `${this.#column(scope)} = ${one()}`
    }
  }

  #insert(): string {
    const column = this.#pick(['a', 'b'])
    const rows = this.#below(2) === 0 ? `values (${this.#expression([], 1)}, 'k999')` : this.#query([], 2)
    const [set, from] = [this.#pick(['a', 'b']), this.#pick(['a', 'b'])]
    const scope = ['excluded', 'target']
    const value = this.#below(2) === 0 ? `excluded.${from}` : this.#expression(scope, 1)
    const conflict =
      this.#below(2) === 0 ? ` on conflict (id) do update set ${set} = ${value} where ${this.#condition(scope, 0)}` : ''
    return `insert into ${this.#pick(flowTables)} as target (${column}, id) ${rows}${conflict}${this.#returning(['target'])}`
  }

  #update(): string {
    const from = this.#below(2) === 0 ? ` from ${this.#pick(flowTables)} as other` : ''
    const scope = from === '' ? ['target'] : ['target', 'other']
    // With another table a row may match several: all that is assigned then is the same.
    const value = from === '' ? this.#expression(scope, 2) : `(select max(m.a) from ${this.#pick(flowTables)} m)`
    const where = ` where ${this.#condition(scope, 1)}`
    const returning = this.#returning(['target', 'old', 'new'])
    return `update ${this.#pick(flowTables)} as target set ${this.#pick(['a', 'b'])} = ${value}${from}${where}${returning}`
  }

  #delete(): string {
    const using = this.#below(2) === 0 ? ` using ${this.#source([], [], 'other', 1)}` : ''
    const scope = using === '' ? ['target'] : ['target', 'other']
    return `delete from ${this.#pick(flowTables)} as target${using} where ${this.#condition(scope, 1)}${this.#returning(['target'])}`
  }

  #returning(scope: readonly string[]): string {
    switch (this.#below(3)) {
      case 0:
        return ` returning ${scope[0] ?? ''}.*`
      case 1:
        return ` returning ${this.#expression(scope, 1)} as a, ${this.#column(scope)} as z`
      default:
        return ''
    }
  }
}
