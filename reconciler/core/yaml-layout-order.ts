// In which order a file names its properties: that of its schema, which is the order in which people ask for them.
import { schemas } from '../../schemas/by-kind.ts';
import type { Kind } from './files.ts';

/** What the schemas say of one place of a file; of a place that they do not know, nothing. */
export interface OrderedPlace {
  /** Names of properties, in order. */
  names: readonly string[];
  property(name: string): OrderedPlace;
  /** Of each entry, where the place holds a list. */
  entry(): OrderedPlace;
}

type Schema = Record<string, unknown>;

/** References inside each other that are followed; the schemas have four. */
const DEPTH_MAX = 16;

/** The place of a whole file. */
export function placeOf(kind: Kind): OrderedPlace {
  return placeIn([{ schema: schemas[kind] as Schema, kind }]);
}

/** A schema, and the file that a reference without a name means. */
interface Located {
  schema: Schema;
  kind: Kind;
}

function placeIn(located: readonly Located[]): OrderedPlace {
  const all = located.flatMap((one) => withReferred(one));
  const below = (keyword: string, name?: string) =>
    placeIn(
      all.flatMap(({ schema, kind }) => {
        const value = name === undefined ? schema[keyword] : (schema[keyword] as Schema | undefined)?.[name];
        return isSchema(value) ? [{ schema: value, kind }] : [];
      }),
    );
  return {
    names: [...new Set(all.flatMap(({ schema }) => Object.keys((schema.properties as Schema | undefined) ?? {})))],
    property: (name) => below('properties', name),
    entry: () => below('items'),
  };
}

/** The schema and those that it refers to. */
function withReferred(located: Located, depth = 0): Located[] {
  const { $ref } = located.schema;
  if (typeof $ref !== 'string' || depth > DEPTH_MAX) return [located];
  return [located, ...withReferred(resolve($ref, located.kind), depth + 1)];
}

/** `route.schema.json#/definitions/network`, or `#/definitions/name` of the same file. */
function resolve(reference: string, kind: Kind): Located {
  const [file = '', pointer = ''] = reference.split('#');
  const named = file === '' ? kind : (file.replace('.schema.json', '') as Kind);
  const found = pointer
    .split('/')
    .slice(1)
    .reduce<unknown>((at, name) => (at as Schema | undefined)?.[name], schemas[named]);
  return { schema: isSchema(found) ? found : {}, kind: named };
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
