import type { PolicyFile } from './policies.ts'

/** The policies shipped with Sallyport. They are part of every policy set and of its hash. */
export const systemFile: PolicyFile = {
  name: 'system.cedar',
  text: `// A table of the cardholder data environment that nobody listed, and so nobody classified, is out of reach,
// whatever was granted on its schema.
@id("sys/unlisted-cde")
@owner("sallyport")
forbid (principal, action in Action::"object", resource is Table in Zone::"cde")
unless { resource.listed };

// What a statement hides cannot be decided about.
@id("sys/incomplete-cde")
@owner("sallyport")
forbid (principal, action in Action::"incomplete", resource in Zone::"cde");
`,
}
