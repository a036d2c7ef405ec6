// The body of a request as fields of a route. Law: one thing has one name in a request, and what the names mean is judged later, by the
// same rules as a file.

/** Fields of a route as they were asked for; null only in a patch (RFC 7396), where it takes a field away. */
export type AskedFields = Readonly<Record<string, unknown>>;

export type FieldsResult =
  | { kind: 'fields'; fields: AskedFields }
  | { kind: 'refused'; error: 'bad_body' | 'two_names' | 'other_team'; message: string; hint: string };

/** Names that other programs use, and ours. */
const OTHER_NAMES: Readonly<Record<string, string>> = { origin_id: 'origin', target_port: 'port' };

/** Of a request, each name with its value counted as one. Larger routes are written in git: here everybody else waits while one is laid out. */
const VALUES_MAX = 1000;

/** `body`: parsed JSON of a bounded depth. `team` may be said, and must be the asking one. */
export function readFields(body: unknown, team: string): FieldsResult {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    const message = `found ${Array.isArray(body) ? 'a list' : 'a single value'}, expected a JSON object`;
    return refused(
      'bad_body',
      message,
      'send the fields of a route, such as {"hostname": …, "origin_id": …, "target_port": …}',
    );
  }
  const count = valuesIn(body);
  if (count > VALUES_MAX) {
    const message = `found ${count} values, expected at most ${VALUES_MAX}`;
    return refused('bad_body', message, 'write so large a route in git, and open a pull request there');
  }
  const { team: asked, ...rest } = body as Record<string, unknown>;
  if (asked !== undefined && asked !== team)
    return refused('other_team', `found another team, expected ${team}, whose token this is`, 'leave team out');
  const fields = new Map<string, unknown>();
  for (const [name, value] of Object.entries(rest)) {
    const ours = Object.hasOwn(OTHER_NAMES, name) ? OTHER_NAMES[name]! : name;
    if (fields.has(ours)) {
      const other = Object.keys(OTHER_NAMES).find((one) => OTHER_NAMES[one] === ours);
      return refused(
        'two_names',
        `found ${ours} and ${other}, which are one thing, expected one of them`,
        `leave ${other} out`,
      );
    }
    fields.set(ours, value);
  }
  return { kind: 'fields', fields: Object.fromEntries(fields) };
}

function valuesIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce((sum: number, one) => sum + 1 + valuesIn(one), 0);
}

function refused(error: 'bad_body' | 'two_names' | 'other_team', message: string, hint: string): FieldsResult {
  return { kind: 'refused', error, message, hint };
}

/** RFC 7396, section 2: what `target` is after `patch`. Neither is changed. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged = new Map(Object.entries(isObject(target) ? target : {}));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, mergePatch(merged.get(name), value));
  }
  return Object.fromEntries(merged);
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
