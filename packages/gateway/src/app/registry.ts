import { createPostgres, postgresBlock } from '#protocols/postgres'

/** The protocols that Sallyport speaks: one line each. */
export const protocols = [{ name: 'postgres', settings: postgresBlock, create: createPostgres }] as const
