import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { schemas } from '../../schemas/by-kind.ts';
import { type FieldCheck, saidBySchema } from './fields/field.ts';
import { leavesOf, type SchemaNode } from './hostile-values.fixture.ts';
import { loadFile } from './load.ts';
import { routeFields } from './route-fields.ts';

const CLEAN = join(import.meta.dirname, '../../test/golden/000-clean/input/routes/hoge');
const leaves = leavesOf(schemas.route as SchemaNode);

/** What stands for the field in the checks: `paths[].auth.basic` → the check of `basic`. */
function checkAt(path: string): FieldCheck<never> | undefined {
  let check: FieldCheck<never> | undefined = routeFields as FieldCheck<never>;
  for (const step of path.split(/(?=\[\])|\./)) {
    if (step === '[]') check = check?.items;
    else if (step === '*') check = check?.values;
    else check = check?.properties?.[step];
  }
  return check;
}

/** The fields that checks claim. */
function claimed(check: FieldCheck<never>, path = ''): string[] {
  const inner = [
    ...Object.entries(check.properties ?? {}).map(
      ([name, one]) => [path === '' ? name : `${path}.${name}`, one] as const,
    ),
    ...(check.items ? [[`${path}[]`, check.items] as const] : []),
    ...(check.values ? [[`${path}.*`, check.values] as const] : []),
  ];
  return inner.length === 0 ? [path] : inner.flatMap(([at, one]) => claimed(one, at));
}

/** The fields that a value uses. */
function used(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => used(item, `${path}[]`));
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([name, one]) => {
    const at = path === '' ? name : `${path}.${name}`;
    return used(one, at.replace(/(headers\.(request|response)\.set)\..*/, '$1.*'));
  });
}

describe('the checks of a route', () => {
  it.each(leaves.map(({ path }) => path))('claim %s', (path) => {
    expect(checkAt(path)).toBeDefined();
  });

  it('claim nothing that the schema does not have', () => {
    expect(claimed(routeFields as FieldCheck<never>).sort()).toEqual(leaves.map(({ path }) => path).sort());
  });

  it('leave free text to the schema only where somebody else judges it', () => {
    const free = leaves.filter(({ node }) => node.type === 'string' && !node.pattern && !node.enum);
    expect(free.filter(({ path }) => checkAt(path) === saidBySchema).map(({ path }) => path)).toEqual([
      'hostname', // load.ts
      'redirect.to', // with keepPath, in redirect.ts
      'errorPages.404', // any HTML
      'errorPages.502',
      'errorPages.503',
      'errorPages.504',
    ]);
  });
});

it('the clean golden case uses every field, so that people have one to copy from', () => {
  const routes = readdirSync(CLEAN)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => loadFile(`routes/hoge/${name}`, 'b', readFileSync(join(CLEAN, name))));
  // What a path and a route have in common needs to be shown once.
  const shared = (path: string) => path.replace(/^paths\[\]\.(?=(auth|backends|check|originTls)\b)/, '');
  const all = new Set(routes.flatMap(({ value }) => used(value)).map(shared));
  // A secret in the environment is warned of, so it is no example; case 334 has it.
  const wanted = leaves.map(({ path }) => path).filter((path) => !path.endsWith('.users.env'));
  expect(wanted.filter((path) => !all.has(shared(path)))).toEqual([]);
});
