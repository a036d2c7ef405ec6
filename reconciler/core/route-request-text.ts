// The text of a route file that was asked for by a request: new, or an older one with some fields changed. Law: what comes out says
// exactly what was asked; of an older text every comment stays that is not about a field that goes.
import { isDeepStrictEqual } from 'node:util';
import { type AskedFields, isObject } from './route-request-fields.ts';
import { parseYaml, writeYaml } from './yaml.ts';
import { type EditableYaml, editYaml } from './yaml-edit.ts';
import { layOut } from './yaml-layout.ts';

const SCHEMA_LINE = '# yaml-language-server: $schema=../../schemas/route.schema.json\n';

/** In the layout of `kokoa fmt`, unless the fields cannot be a file: then its problems are to be told. */
export function newRouteText(path: string, fields: AskedFields): string {
  return laidOut(path, `${SCHEMA_LINE}${writeYaml(fields, 'block')}`);
}

/** `text` says `before`. Undefined: it is laid out in a way that cannot be edited. */
export function changedRouteText(
  path: string,
  text: string,
  before: AskedFields,
  after: AskedFields,
): string | undefined {
  const edited = editYaml(text, (document) => edit(document, [], before, after));
  const changed = laidOut(path, text) === text ? laidOut(path, edited) : edited;
  return isDeepStrictEqual(parseYaml(path, Buffer.from(changed)).value, after) ? changed : undefined;
}

function laidOut(path: string, text: string): string {
  const layout = layOut(path, 'route', Buffer.from(text));
  return layout.kind === 'text' ? layout.text : text;
}

type Place = (string | number)[];

/** Touches only what differs, so that the comments of the rest stay. Recursion is bounded by the depth that reading allows. */
function edit(document: EditableYaml, place: Place, before: unknown, after: unknown): void {
  if (isDeepStrictEqual(before, after)) return;
  if (isObject(before) && isObject(after)) {
    for (const name of Object.keys(before)) if (!Object.hasOwn(after, name)) document.deleteIn([...place, name]);
    for (const [name, value] of Object.entries(after)) {
      if (Object.hasOwn(before, name)) edit(document, [...place, name], before[name], value);
      else document.setIn([...place, name], document.createNode(value));
    }
  } else if (Array.isArray(before) && Array.isArray(after) && before.length === after.length)
    for (const [at, value] of after.entries()) edit(document, [...place, at], before[at], value);
  else document.setIn(place, isObject(after) || Array.isArray(after) ? document.createNode(after) : after);
}
