import fc from 'fast-check'

/** The tables of these statements; each has the text columns of `flowColumns`, `id` is unique. */
export const flowTables: readonly string[] = ['t', 's', 'x', 'c']
export const flowColumns: readonly string[] = ['a', 'b', 'id']

/**
 * A statement over `flowTables` in which text goes some steps of a long way, whole or taken apart: each step is a query with the columns `a`
 * and `b` over the one before. All have one answer whatever plan PostgreSQL chooses, but for the order of rows.
 */
export const randomFlows: fc.Arbitrary<string> = fc
  .array(fc.nat(0xffff), { minLength: 120, maxLength: 120 })
  .map((tape) => new Writer(tape).statement())

type Step = (query: string) => string

/** Writes SQL by reading choices off a tape, so that fast-check can shrink what it wrote. */
class Writer {
  readonly #tape: readonly number[]
  #at = 0
  #names = 0

  constructor(tape: readonly number[]) {
    this.#tape = tape
  }

  statement(): string {
    const table = this.#pick(flowTables)
    const query = this.#query(1 + this.#below(4))
    switch (this.#below(10)) {
      case 0:
        return `insert into ${table} (${this.#column()}, id) ${query} returning a, ${this.#expression(table)} as z`
      case 1:
        return `insert into ${table} as n (${this.#column()}, id) values (${this.#literal()}, '${this.#pick(['m0130', 'k9'])}')
          on conflict (id) do update set ${this.#column()} = ${this.#pick(['excluded.a', 'excluded.b', this.#expression('n')])}
          where ${this.#condition('n')} returning *`
      case 2:
        return `update ${table} as n set ${this.#column()} = ${this.#expression('n')} where n.a in (select q.b from (${query}) q) returning old.a, new.b as z`
      case 3:
        return `delete from ${table} as n using (${query}) q where ${this.#condition('n')} and q.a = n.b returning n.*`
      default:
        return query
    }
  }

  /** The next choice; when the tape is at its end, always the first. */
  #below(limit: number): number {
    return (this.#tape[this.#at++] ?? 0) % limit
  }

  #pick(items: readonly string[]): string {
    return items[this.#below(items.length)] ?? ''
  }

  /** A query after some steps. */
  #query(steps: number): string {
    let query = this.#first()
    for (let step = 0; step < steps; step++) {
      const kind = this.#steps()
      query = kind[this.#below(kind.length)]?.(query) ?? query
    }
    return query
  }

  #steps(): readonly Step[] {
    switch (this.#below(6)) {
      case 0:
      case 1:
        return this.#passing()
      case 2:
        return this.#joining()
      case 3:
        return this.#altering()
      case 4:
        return this.#placing()
      default:
        return this.#asking()
    }
  }

  #first(): string {
    const table = this.#pick(flowTables)
    return this.#pick([
      `select a, b from ${table}`,
      `select * from (select a, b from ${table}) f`,
      `select f.a, f.b from ${table} f (b, a)`,
      `select f.a, f.b from ${table} f where ${this.#condition('f')}`,
      `select n.b, n.a from ${table} as n`,
      `select f.a, g.b from ${table} f join ${this.#pick(flowTables)} g on f.a = g.b`,
    ])
  }

  /** Steps that leave values whole, under other names. */
  #passing(): readonly Step[] {
    const [one, other] = [this.#column(), this.#column()]
    const name = this.#name()
    return [
      (query) => `select * from (${query}) ${name}`,
      (query) => `select ${name}.*, 'k' as c from (${query}) ${name} limit all`,
      (query) => `select ${one} as b, ${other} as a from (${query}) ${name}`,
      (query) => `select ${name}.${one} as a, b from (${query}) ${name} (b, a)`,
      (query) => `with ${name} as (${query}) select ${one} as a, ${name}.${other} as b from ${name}`,
      (query) => `with ${name} (b, a) as (${query}) select * from ${name}`,
      (query) => `with recursive ${name} (a, b) as ((${query}) union select b, a from ${name}) select * from ${name}`,
      (query) => `with recursive m as (select * from ${name}), ${name} as (${query}) select a, ${one} as b from m`,
      (query) => `select distinct a, ${one} as b from (${query}) ${name}`,
      (query) => `select max(${one}) as a, b from (${query}) ${name} group by b`,
      (query) => `select ${one} as a, count(*)::text as b from (${query}) ${name} group by ${this.#pick(['1', one])}`,
      (query) => `select l.a, l.b from (${query}) ${name}, lateral (select ${name}.${one} as a, ${name}.b as b) l`,
      (query) => `select l.* from (${query}) ${name}, lateral (values (${name}.${one}, ${name}.${other})) l (b, a)`,
      (query) => `select (select ${name}.${one}) as a, coalesce(${one}, ${other}) as b from (${query}) ${name}`,
      (query) => `select (${one} collate "C") as a, array[a, b]::text as b from (${query}) ${name}`,
      (query) => `select ${name}::text as a, ${other}::varchar as b from (${query}) ${name}`,
      (query) => `select row_to_json(${name})::text as a, ${other} as b from (${query}) ${name}`,
      (query) => `select array_agg(${one} order by ${one})::text as a, b from (${query}) ${name} group by b`,
    ]
  }

  /** Steps that bring other values in. */
  #joining(): readonly Step[] {
    const other = this.#pick([
      this.#first(),
      `values ('m0130', 'k'), ('p0260x', 'm0130'), (${this.#literal()}, 'k')`,
      `select 'p0' || g::text, 'k' from generate_series(110, 140) g`,
    ])
    const [one, two] = [this.#column(), this.#column()]
    const name = this.#name()
    return [
      (query) => `(${query}) union all (${other})`,
      (query) =>
        `(${query}) ${this.#pick(['union', 'intersect', 'except'])} (${other}) order by ${this.#pick(['1', 'b'])}`,
      (query) => `select ${name}.a, o.b from (${query}) ${name} join (${other}) o (a, b) on ${name}.${one} = o.${two}`,
      (query) => `select o.a, ${name}.${one} as b from (${query}) ${name} left join (${other}) o (a, b) using (a)`,
      (query) => `select j.a, j.b from ((${query}) ${name} full join (${other}) o (a, c) using (a)) j`,
      (query) => `select a, ${one} as b from (${query}) ${name} natural join (${other}) o (a, b)`,
    ]
  }

  /** Steps that take values apart. */
  #altering(): readonly Step[] {
    const [one, other] = [this.#column(), this.#column()]
    const name = this.#name()
    const value = this.#expression(name)
    return [
      (query) => `select ${value} as a, b from (${query}) ${name}`,
      (query) => `select a, ${value} as b from (${query}) ${name}`,
      (query) => `select string_agg(${one}, '-' order by ${one}) as a, b from (${query}) ${name} group by b`,
      (query) => `select first_value(${one}) over (order by ${one}) as a, b from (${query}) ${name}`,
      (query) =>
        `with recursive ${name} (a, b) as ((${query}) union select ${name}.b, ${value} from ${name} where length(${name}.b) < 8) select a, ${one} as b from ${name}`,
      (query) => `select a, l.x as b from (${query}) ${name}, lateral (select ${value}) l (x)`,
      (query) => `select array_to_string(array(select ${one} from (${query}) q order by 1), '') as a, 'k' as b`,
      (query) => `select ${value} as a, max(${other}) as b from (${query}) ${name} group by ${value}`,
    ]
  }

  /** Steps that tell the place of values among others. */
  #placing(): readonly Step[] {
    const [one, other] = [this.#column(), this.#column()]
    const others = this.#pick([`values ('p0260x', 'k'), ('m0130', 'p0260x')`, this.#first()])
    const among: Step = (query) => `(${query}) union all ${others}`
    return [
      (query) => `select a, (rank() over (order by ${one}))::text as b from (${among(query)}) n`,
      (query) => `select array_agg(${one} order by ${other}, ${one})::text as a, 'k' as b from (${among(query)}) n`,
      (query) => `select array_agg(distinct ${one})::text as a, max(${other}) as b from (${among(query)}) n`,
      (query) => `select min(${one}) as a, max(${other}) as b from (${among(query)}) n`,
    ]
  }

  /** Steps that ask something about values. */
  #asking(): readonly Step[] {
    const [one, other] = [this.#column(), this.#column()]
    const name = this.#name()
    const condition = this.#condition(name)
    return [
      (query) => `select ${one} as a, ${other} as b from (${query}) ${name} where ${condition}`,
      (query) => `select (${condition})::text as a, ${other} as b from (${query}) ${name}`,
      (query) =>
        `select case when ${condition} then ${one} else ${this.#literal()} end as a, b from (${query}) ${name}`,
      (query) =>
        `select case ${one} when ${this.#expression(name)} then b end as a, ${other} as b from (${query}) ${name}`,
      (query) => `select a, (rank() over (order by ${one}))::text as b from (${query}) ${name}`,
      (query) => `select a, (count(*) over (partition by ${one}))::text as b from (${query}) ${name}`,
      (query) => `select max(${one}) as a, min(${other}) as b from (${query}) ${name}`,
      (query) =>
        `select count(distinct ${one})::text as a, array_agg(distinct ${other})::text as b from (${query}) ${name}`,
      (query) =>
        // Without a name in front `b` is the constant, and which row is left is left to the plan.
        `select distinct on (${name}.${one}) ${one} as a, 'k' as b from (${query}) ${name} order by ${name}.${one}`,
      (query) => `select a, count(*) filter (where ${condition})::text as b from (${query}) ${name} group by a`,
      (query) => `select nullif(${one}, ${this.#expression(name)}) as a, b from (${query}) ${name}`,
      (query) => `select s.a, s.b from s where s.${one} in (select ${other} from (${query}) ${name})`,
      (query) => `select s.a, s.b from s where exists (select from (${query}) ${name} where ${condition})`,
      (query) => `select s.a, s.b from s where s.${one} < all (select ${other} from (${query}) ${name})`,
    ]
  }

  #name(): string {
    return this.#pick(['t', 'n', `n${this.#names++}`])
  }

  #column(): string {
    return this.#pick(['a', 'b'])
  }

  #literal(): string {
    return this.#pick(["'k'", "'m0130'", "'p0260x'", 'null::text'])
  }

  /** An expression over the columns of a source, more often than not one that alters them. */
  #expression(source: string): string {
    const [one, other] = [`${source}.${this.#column()}`, this.#column()]
    return this.#pick([
      one,
      `${one} || 'x'`,
      `concat(${one}, ${other})`,
      `upper(${one})`,
      `length(${one})::text`,
      `greatest(${one}, ${this.#literal()})`,
      `(array[${one}, ${other}])[1]`,
      `array_to_string(array[${one}, ${other}], '-')`,
      `(to_json(${source}) ->> 'a')`,
      `length(${source}::text)::text`,
      `coalesce(${one}, ${this.#literal()})`,
      `json_build_object('k', ${one})::text`,
      `(select max(q.a) from ${this.#pick(flowTables)} q where q.b = ${one})`,
      `(select string_agg(q.x, '-') from (select ${one} as x) q)`,
      `(select ('p0' || g::text) from generate_series(110, 140) g where 'p0' || g::text = ${one})`,
    ])
  }

  #condition(source: string): string {
    const [one, other] = [`${source}.${this.#column()}`, `${source}.${this.#column()}`]
    return this.#pick([
      `${one} = ${this.#literal()}`,
      `${one} <> ${other}`,
      `${one} in (${other}, ${this.#literal()})`,
      `${one} is distinct from ${this.#expression(source)}`,
      `not ${one} = any (array[${this.#literal()}, ${other}])`,
      `${one} is null or ${other} = 'm0130'`,
      `${one} in (select q.a from ${this.#pick(flowTables)} q)`,
      `${one} in (select 'p0' || g::text from generate_series(110, 140) g)`,
      `${one} = 'p01' || case when ${other} is null then '10' else '15' end`,
      `${one} = 'p01' || coalesce(nullif('10', ${other}), '15')`,
      `${one} < ${this.#literal()}`,
      `${one} like 'p01%'`,
      `${one} between 'm' and ${other}`,
      `${source} is distinct from null`,
    ])
  }
}
