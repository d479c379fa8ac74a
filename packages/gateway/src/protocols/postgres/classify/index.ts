/**
 * classify: what a SQL text is, without running it.
 *
 * A text is split into statements, and each becomes a shape: its verb, the tables it touches and how, a template without literals, and the
 * first thing that was not understood. PostgreSQL's own grammar (18) does the parsing, in worker threads that are thrown away when a text
 * breaks them; texts that could take it long have workers of their own, and each session waits behind itself only.
 *
 * The analysis is a closed world: node types, their fields, functions, operators, cast targets and settings are lists (`analysis/`), and what
 * is not on them makes the statement incomplete, which policy denies. What it cannot know, since it never asks the server:
 * - Views, functions, triggers, rules, casts, defaults and policies of the database run other SQL with their owner's rights; reading a view
 *   is an access to the view. Whoever may create them is trusted.
 * - In `source.name`, PostgreSQL calls the function `name(source)` when there is no such column. For pg_catalog's functions this is looked
 *   at; one that somebody made for the table's row type reads as a column here.
 * - A function, operator or type of the searched schema can be preferred to pg_catalog's when its argument types fit better.
 * - Arithmetic, concatenation and comparison are understood, so what is computed from a card number comes out of an audited function. Each
 *   access says which columns that happens to (`computed`), and which leave whole without the result naming them (`unnamed`); `analysis/uses.ts`
 *   has the rules. Guesses that a statement spells out, or that lie in a table, can be compared with a column for equality all the same.
 * - The grammar is 18's. A server of another version may refuse what it takes; constructs whose meaning changed are not on the lists.
 *
 * The session pins what this relies on: `standard_conforming_strings=on`, UTF-8 on both sides, one schema in `search_path`.
 */
export { createClassifier, type WorkerClassifier } from './create-classifier.ts'
