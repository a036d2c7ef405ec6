// Writes types.ts from the JSON Schemas. `npm run bless` runs it; a test compares.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile, type JSONSchema } from 'json-schema-to-typescript';
import edge from './edge.schema.json' with { type: 'json' };
import kokoa from './kokoa.schema.json' with { type: 'json' };
import origin from './origin.schema.json' with { type: 'json' };
import route from './route.schema.json' with { type: 'json' };

const BANNER =
  '// Generated from the JSON Schemas beside this file by schemas/generate.ts. Do not edit: run `npm run bless`.\n';

/** The TypeScript of all kinds, as it should stand in types.ts. */
export async function typesFromSchemas(): Promise<string> {
  const all = {
    title: 'Data',
    type: 'object',
    additionalProperties: false,
    required: ['route', 'origin', 'edge', 'kokoa'],
    properties: {
      route: { $ref: 'route.schema.json' },
      origin: { $ref: 'origin.schema.json' },
      edge: { $ref: 'edge.schema.json' },
      kokoa: { $ref: 'kokoa.schema.json' },
    },
  } as JSONSchema;
  return compile(all, 'Data', {
    cwd: import.meta.dirname,
    bannerComment: BANNER,
    additionalProperties: false,
    format: true,
    ignoreMinAndMaxItems: true,
  });
}

/** The schemas by kind, for the validator. */
export const schemas = { route, origin, edge, kokoa };

if (import.meta.main) writeFileSync(join(import.meta.dirname, 'types.ts'), await typesFromSchemas());
