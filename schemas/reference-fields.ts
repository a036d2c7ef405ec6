// What a schema says of each field, as a flat list in the order of the schema. Law: a field that is there by `$ref` counts as
// much as one that is written out; nothing is skipped.

/** What is read of a schema node. `x-default` and `x-directive` are annotations of ours (see by-kind.ts). */
export interface SchemaNode {
  $ref?: string;
  type?: string;
  enum?: unknown[];
  description?: string;
  examples?: unknown[];
  default?: unknown;
  'x-default'?: string;
  'x-directive'?: string[];
  required?: string[];
  properties?: Record<string, SchemaNode>;
  definitions?: Record<string, SchemaNode>;
  items?: SchemaNode;
  additionalProperties?: boolean | SchemaNode;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  pattern?: string;
}

export interface Field {
  /** As people say it: `paths[].prefix`. */
  name: string;
  required: boolean;
  /** The field's own words over those of the definition it refers to. */
  node: SchemaNode;
  /** The name of an earlier field whose parts are the same, and are therefore not listed again. */
  sameAs?: string;
}

/**
 * Every field of a schema, blocks before their parts. `files`: other schemas that it may refer to.
 * @throws Error a `$ref` that leads nowhere
 */
export function fieldsOf(schema: SchemaNode, files: SchemaFiles = {}): Field[] {
  const fields: Field[] = [];
  /** Definition → the field under which its parts are listed. */
  const listed = new Map<string, string>();
  const visit = (block: SchemaNode, prefix: string): void => {
    for (const [key, own] of Object.entries(block.properties ?? {})) {
      const name = prefix + key;
      const node = resolve(schema, own, files);
      const earlier = own.$ref === undefined ? undefined : listed.get(own.$ref);
      const field = { name, required: block.required?.includes(key) ?? false, node };
      const parts = node.items === undefined ? node : resolve(schema, node.items, files);
      if (parts.properties === undefined) fields.push(field);
      else if (earlier !== undefined) fields.push({ ...field, sameAs: earlier });
      else {
        fields.push(field);
        if (own.$ref !== undefined) listed.set(own.$ref, name);
        visit(parts, `${name}${node.items === undefined ? '' : '[]'}.`);
      }
    }
  };
  visit(schema, '');
  return fields;
}

/** Schemas that refer to one another, by file name. */
export type SchemaFiles = Readonly<Record<string, SchemaNode>>;

/** A node with everything that its reference adds; what stands beside `$ref` comes first, as editors have it. */
export function resolve(schema: SchemaNode, node: SchemaNode, files: SchemaFiles = {}): SchemaNode {
  if (node.$ref === undefined) return node;
  const [, file, name] = /^([\w.]+)?#\/definitions\/(\w+)$/.exec(node.$ref) ?? [];
  const holder = file === undefined ? schema : files[file];
  const target = name === undefined ? undefined : holder?.definitions?.[name];
  if (target === undefined || target.$ref !== undefined) throw new Error(`cannot follow ${node.$ref}`);
  return { ...target, ...node };
}
