/**
 * The demo's data: a few hundred customers with the brands' published test numbers, orders, and the runs of a nightly job. Test numbers
 * are treated as real everywhere, so they are put together here from their groups.
 */
const TEST_NUMBERS: readonly (readonly string[])[] = [
  ['4111', '1111', '1111', '1111'],
  ['5555', '5555', '5555', '4444'],
  ['2223', '0031', '2200', '3222'],
  ['3782', '822463', '10005'],
  ['6011', '1111', '1111', '1117'],
  ['3056', '9309', '0259', '04'],
  ['3530', '1113', '3330', '0000'],
  ['4012', '8888', '8888', '1881'],
]

const FIRST = [
  'Ada',
  'Alan',
  'Barbara',
  'Claude',
  'Donald',
  'Edsger',
  'Frances',
  'Grace',
  'John',
  'Katherine',
  'Linus',
  'Margaret',
]
const LAST = [
  'Allen',
  'Backus',
  'Dijkstra',
  'Hamilton',
  'Hopper',
  'Johnson',
  'Knuth',
  'Liskov',
  'Lovelace',
  'Shannon',
  'Turing',
]
const CITIES = ['Amsterdam', 'Berlin', 'Cork', 'Dresden', 'Espoo', 'Faro', 'Ghent']

/** How many customers the demo has. */
export const CUSTOMERS = 500

/** The service account under which Sallyport, and only Sallyport, reaches the database; it owns the tables. */
export const SERVICE_USER = 'cards_app'

/** The SQL that fills the `cards` database, as its superuser. */
export function demoSql(servicePassword: string): string {
  const customers = Array.from({ length: CUSTOMERS }, (_, index) => customer(index + 1)).join(', ')
  const orders = Array.from({ length: CUSTOMERS * 2 }, (_, index) => order(index + 1)).join(', ')
  return [
    `create role ${SERVICE_USER} login password '${servicePassword}'`,
    'create table customers (id int primary key, name text not null, email text not null, city text not null, pan text not null, note text)',
    `insert into customers values ${customers}`,
    'create table orders (id int primary key, customer_id int not null references customers, amount numeric(10, 2) not null, placed date not null)',
    `insert into orders values ${orders}`,
    'create table job_runs (id int generated always as identity primary key, job text not null, note text, at timestamptz not null default now())',
    ...['customers', 'orders', 'job_runs'].map((table) => `alter table ${table} owner to ${SERVICE_USER}`),
  ].join('; ')
}

function customer(id: number): string {
  const first = pick(FIRST, id)
  const last = pick(LAST, id * 7)
  const number = pick(TEST_NUMBERS, id)
  // Some cards stand in free text too, as they do in life.
  const note = id % 25 === 0 ? `'paid by card ${number.join(' ')} on the phone'` : 'null'
  return `(${id}, '${first} ${last}', '${first.toLowerCase()}.${last.toLowerCase()}${id}@example.com', '${pick(CITIES, id * 3)}', '${number.join('')}', ${note})`
}

function order(id: number): string {
  const day = String((id % 28) + 1).padStart(2, '0')
  return `(${id}, ${(id % CUSTOMERS) + 1}, ${((id * 37) % 50000) / 100}, '2026-10-${day}')`
}

function pick<T>(items: readonly T[], index: number): T {
  const item = items[index % items.length]
  if (item === undefined) throw new RangeError('nothing to pick from')
  return item
}
