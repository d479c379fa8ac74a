/** The ways in which card numbers are written in groups; twelve digits (4-4-4) are looked for only where nothing else stands beside them. */
const layouts = [
  ...['4-4-5', '4-3-3-3', '4-4-4-1', '4-6-4', '4-4-4-2', '4-6-5', '4-4-4-3'],
  ...['4-4-4-4', '8-8', '6-10', '4-4-4-5', '4-4-4-4-1', '4-4-4-6', '4-4-4-4-2', '6-12', '4-4-4-7', '4-4-4-4-3', '6-13'],
]
/** Those that are common enough to be looked for among the items of a list. */
const listLayouts = ['4-4-4-4', '4-6-5', '4-6-4']

/** The most groups of a layout. */
export const maxLayoutGroups = 5

/** The most groups of one of those. */
export const maxListGroups = 4

const codes: ReadonlySet<number> = new Set(layouts.map(codeOf))
const listCodes: ReadonlySet<number> = new Set(listLayouts.map(codeOf))

/** Whether card numbers are written like this; `code` is the sizes of the groups as digits to the base 32, the first group highest. */
export function isLayout(code: number): boolean {
  return codes.has(code)
}

/** Whether the items of a list with these sizes are taken for the groups of one number. */
export function isListLayout(code: number): boolean {
  return listCodes.has(code)
}

function codeOf(layout: string): number {
  return layout.split('-').reduce((code, size) => 32 * code + Number(size), 0)
}
