import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type AnySchema } from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { ANNOTATIONS, schemas } from './by-kind.ts';
import { typesFromSchemas } from './generate.ts';

interface Node {
  $schema?: string;
  $ref?: string;
  description?: string;
  examples?: unknown[];
  default?: unknown;
  properties?: Record<string, Node>;
  definitions?: Record<string, Node>;
  items?: Node;
  additionalProperties?: boolean | Node;
}

const ajv = new Ajv({ strict: true, strictTypes: false, allErrors: true });
addFormats.default(ajv);
ajv.addVocabulary([...ANNOTATIONS]);
for (const schema of Object.values(schemas)) ajv.addSchema(schema);

const places = Object.entries(schemas).flatMap(([kind, schema]) => walk(schema as Node, `${kind}.schema.json#`));

/** Every schema inside a schema, with its place. */
function walk(node: Node, place: string): { place: string; node: Node }[] {
  const children: [string, Node][] = [
    ...Object.entries(node.properties ?? {}).map(([name, child]): [string, Node] => [`/properties/${name}`, child]),
    ...Object.entries(node.definitions ?? {}).map(([name, child]): [string, Node] => [`/definitions/${name}`, child]),
    ...(node.items ? [['/items', node.items] as [string, Node]] : []),
    ...(typeof node.additionalProperties === 'object'
      ? [['/additionalProperties', node.additionalProperties] as [string, Node]]
      : []),
  ];
  return [{ place, node }, ...children.flatMap(([step, child]) => walk(child, place + step))];
}

/** The description of a schema or of what it refers to. */
function descriptionOf(node: Node): string | undefined {
  return node.description ?? targetOf(node).description;
}

/** What a schema refers to, or itself. */
function targetOf(node: Node): Node {
  if (node.$ref === undefined) return node;
  const [file = '', path = ''] = node.$ref.split('#');
  const target = places.find(({ place }) => place === `${file}#${path}` || (file === '' && place.endsWith(`#${path}`)));
  return target?.node ?? {};
}

/** A block, or a list of blocks: its parts have examples. */
function isBlock(node: Node): boolean {
  const parts = node.items === undefined ? node : targetOf(node.items);
  return parts.properties !== undefined;
}

/** A validator for the schema at a place. */
function validatorAt(place: string): ReturnType<Ajv['compile']> {
  return ajv.compile({ $ref: `https://kokoa-proxy.example/schemas/${place}` } as AnySchema);
}

describe('the schemas', () => {
  it('are draft-07, which editors understand', () => {
    for (const schema of Object.values(schemas))
      expect((schema as Node).$schema).toBe('http://json-schema.org/draft-07/schema#');
  });

  it('describe every property, item and definition', () => {
    expect(places.filter(({ node }) => !descriptionOf(node)).map(({ place }) => place)).toEqual([]);
  });

  it('give an example of every value that a person types, also behind a reference', () => {
    const typed = places.filter(({ place, node }) => /\/properties\/\w+$/.test(place) && !isBlock(targetOf(node)));
    const bare = typed.filter(({ node }) => (node.examples ?? targetOf(node).examples) === undefined);
    expect(typed.length).toBeGreaterThan(60);
    expect(bare.map(({ place }) => place)).toEqual([]);
  });

  it('refuse unknown properties in every block', () => {
    const open = places.filter(({ node }) => node.properties !== undefined && node.additionalProperties !== false);
    expect(open.map(({ place }) => place)).toEqual([]);
  });

  it.each(places.filter(({ node }) => node.examples !== undefined))(
    'have valid examples at $place',
    ({ place, node }) => {
      const validate = validatorAt(place);
      for (const example of node.examples!)
        expect([example, validate(example), validate.errors]).toEqual([example, true, null]);
    },
  );

  it.each(places.filter(({ node }) => node.default !== undefined))(
    'have a valid default at $place',
    ({ place, node }) => {
      expect(validatorAt(place)(node.default)).toBe(true);
    },
  );
});

describe('types.ts', () => {
  it('is what the schemas generate', async () => {
    expect(readFileSync(join(import.meta.dirname, 'types.ts'), 'utf8')).toBe(await typesFromSchemas());
  });
});
