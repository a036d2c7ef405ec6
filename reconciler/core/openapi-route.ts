// The schema of a route as the document has it: made of the one that files are judged by, so that neither can say what the other does not.
import { schemas } from '../../schemas/by-kind.ts';

export type Schema = { readonly [keyword: string]: unknown };

/** The schema of a route and its definitions, as components `Route` and `Route.NAME`. */
export function routeSchemas(): Record<string, Schema> {
  const { definitions, ...route } = schemas.route as unknown as Schema & { definitions: Record<string, Schema> };
  const parts = Object.entries(definitions).map(([name, part]) => [`Route.${name}`, converted(part)] as const);
  return { Route: converted(route) as Schema, ...(Object.fromEntries(parts) as Record<string, Schema>) };
}

/** Draft-07 says the same with other names, and keywords of ours are for the editors of files. */
function converted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(converted);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => !['$schema', '$id', 'x-default', 'x-directive'].includes(name));
  return Object.fromEntries(
    kept.map(([name, part]) =>
      name === '$ref'
        ? [name, String(part).replace('#/definitions/', '#/components/schemas/Route.')]
        : [name, converted(part)],
    ),
  );
}

/** What a program may send instead of, or beside, the fields of a route. */
export function requestSchemas({ Route }: Record<string, Schema>): Record<string, Schema> {
  const { properties, ...route } = Route as { properties: Record<string, Schema> };
  const { origin, port } = properties;
  const other = (field: Schema | undefined, name: string) => ({
    ...field,
    description: `Another name for ${name}. Not both.`,
  });
  const team = { type: 'string', description: 'May be said, and must be the team whose token it is.' };
  const names = { origin_id: other(origin, 'origin'), target_port: other(port, 'port'), team };
  return {
    RouteRequest: {
      ...route,
      title: 'RouteRequest',
      description: 'A new hostname: the fields of its file.',
      required: ['hostname'],
      properties: { ...properties, ...names },
    },
    RoutePatch: {
      type: 'object',
      description: 'RFC 7396: the fields of a RouteRequest that change. null takes one away; the hostname stays.',
    },
  };
}
