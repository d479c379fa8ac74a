import type { Context } from 'hono'
import type { z } from 'zod'
import { ApiRefusal } from './access.ts'

/** Reads the query string by a schema. @throws {ApiRefusal} `SP_API_INVALID` naming the member. */
export function parseQuery<T>(context: Context, schema: z.ZodType<T>): T {
  return parse(schema, context.req.query())
}

/** Reads a JSON body by a schema; its size is bounded before. @throws {ApiRefusal} `SP_API_INVALID` naming the member. */
export async function parseBody<T>(context: Context, schema: z.ZodType<T>): Promise<T> {
  const body: unknown = await context.req.json().catch(() => undefined)
  return parse(schema, body)
}

function parse<T>(schema: z.ZodType<T>, input: unknown): T {
  const parsed = schema.safeParse(input, { reportInput: false })
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new ApiRefusal('SP_API_INVALID', `${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? 'not valid'}`)
}
