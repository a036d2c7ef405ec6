// Writes what is made from the JSON Schemas: types.ts, and the references in docs/. `npm run bless` runs it; tests compare.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile, type JSONSchema } from 'json-schema-to-typescript';
import { DATA_REFERENCE_FILE, dataReferencePage, REFERENCE_FILE, referencePage } from './reference.ts';

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
  const types = await compile(all, 'Data', {
    cwd: import.meta.dirname,
    bannerComment: BANNER,
    additionalProperties: false,
    format: true,
    ignoreMinAndMaxItems: true,
  });
  // The wrapper only brings the kinds together.
  return types.replace(/^export interface Data \{[^}]*\}\n/m, '');
}

if (import.meta.main) {
  writeFileSync(join(import.meta.dirname, 'types.ts'), await typesFromSchemas());
  writeFileSync(REFERENCE_FILE, referencePage());
  writeFileSync(DATA_REFERENCE_FILE, dataReferencePage());
}
