// What a merge touches, from its files before and after: names that visitors type, machines, settings. Law: a pure function of the files;
// a name is the same one wherever its file lies, and a file that says the same in other words touches nothing.
import { canonicalJson } from '../../../bundle/canonical.ts';
import type { Route } from '../../../schemas/types.ts';
import type { AnyLoadedFile, LoadedFile } from '../files.ts';
import { kindOf } from '../load.ts';
import { baseNameOf } from '../paths.ts';
import { takesPublicPort } from '../public-port.ts';
import { waits } from '../rollout/waved-settings.ts';
import type { SlotState } from '../slots.ts';

/** One file at both ends of a merge; absent: it is not there. */
export interface FilePair {
  path: string;
  before?: AnyLoadedFile | undefined;
  after?: AnyLoadedFile | undefined;
}

export type Change = 'added' | 'changed' | 'removed';

/** A hostname or a public port; of a file whose name nobody can read, its path. */
export interface TouchedName {
  /** `app.hoge.com`, `tcp 25565`. */
  name: string;
  kind: 'host' | 'port' | 'file';
  change: Change;
  pool: string;
  file: string;
  /** Content id of the newest version; undefined: removed. */
  blob: string | undefined;
  /** Present when a browser goes there. */
  url?: string;
  /** True when its edges ask for it as a visitor does (agent/core/visit-plan.ts): it is a page, and they serve it in another way. */
  isAsked: boolean;
  /** False where the edge passes TLS on unopened, or has none. */
  needsCertificate: boolean;
  /** `maintenance`: 503 is what the team wants visitors to see. */
  isClosed?: true;
}

export interface TouchedNode {
  node: string;
  role: 'edge' | 'origin';
  change: Change;
  /** After the merge; absent: removed, or not readable. */
  state?: SlotState;
}

export interface Touched {
  /** At most TOUCHED_NAMES_MAX, sorted by name. */
  names: readonly TouchedName[];
  /** Names beyond those. */
  more: number;
  /** Sorted by name. */
  nodes: readonly TouchedNode[];
  /** kokoa.yaml, `guards` apart. */
  settings: boolean;
  /** Of kokoa.yaml something goes out in waves. */
  waved: boolean;
}

/** Beyond this nobody reads, and following costs names times edges. */
export const TOUCHED_NAMES_MAX = 5000;

/** Beyond this they are only counted. */
const ROUTE_FILES_MAX = 2 * TOUCHED_NAMES_MAX;

/** `defaultPool`: of routes that name none. */
export function touchedBy(files: readonly FilePair[], defaultPool: string): Touched {
  const routes = files.filter(({ path }) => kindOf(path) === 'route');
  const names = touchedNames(routes.slice(0, ROUTE_FILES_MAX), defaultPool);
  const nodes = files.flatMap(touchedNode);
  const settings = files.filter(({ path }) => kindOf(path) === 'kokoa');
  return {
    names: names.slice(0, TOUCHED_NAMES_MAX),
    more: Math.max(0, names.length - TOUCHED_NAMES_MAX) + Math.max(0, routes.length - ROUTE_FILES_MAX),
    nodes: nodes.sort((a, b) => (a.node < b.node ? -1 : 1)),
    settings: settings.some(({ before, after }) => settingsText(before) !== settingsText(after)),
    waved: settings.some(
      ({ before, after }) => before?.kind === 'kokoa' && after?.kind === 'kokoa' && waits(before, after),
    ),
  };
}

/** One end of a route: the name it gives to visitors, and what it says of it. */
interface End {
  key: string;
  text: string;
  /** `text` without what no edge sees. */
  served: string;
  name: Omit<TouchedName, 'change'>;
}

function touchedNames(files: readonly FilePair[], defaultPool: string): TouchedName[] {
  const before = new Map<string, End>();
  for (const { before: file } of files) {
    const end = endOf(file, defaultPool);
    if (end !== undefined && !before.has(end.key)) before.set(end.key, end);
  }
  const after = files.flatMap((pair) => endOf(pair.after, defaultPool) ?? brokenEnd(pair, defaultPool) ?? []);
  const kept = new Set(after.map(({ key }) => key));
  const names = after.flatMap(({ key, text, served, name }): TouchedName[] => {
    const old = before.get(key);
    if (old === undefined) return [{ ...name, change: 'added' }];
    return old.text === text ? [] : [{ ...name, change: 'changed', isAsked: name.isAsked && old.served !== served }];
  });
  const removed = [...before.values()]
    .filter(({ key }) => !kept.has(key))
    .map(({ name }): TouchedName => ({ ...name, blob: undefined, change: 'removed', isAsked: false }));
  return [...names, ...removed].sort((a, b) => (`${a.name}\n${a.file}` < `${b.name}\n${b.file}` ? -1 : 1));
}

/** Undefined: no file, or one without a value. */
function endOf(file: AnyLoadedFile | undefined, defaultPool: string): End | undefined {
  if (file?.kind !== 'route' || file.value === undefined) return undefined;
  const { value, path, blob } = file;
  const pool = value.pool ?? defaultPool;
  const common = { pool, file: path, blob, ...(value.maintenance && { isClosed: true as const }) };
  const { expiresAt: _, ...served } = value;
  const texts = { text: canonicalJson(value), served: canonicalJson({ ...served, pool }) };
  const port = portName(value);
  if (port !== undefined) {
    const name = { ...common, name: port, kind: 'port' as const, isAsked: false, needsCertificate: false };
    return { key: `${pool}\n${port}`, ...texts, name };
  }
  const hostname = file.hostname ?? path;
  const isPage = value.protocol !== 'tls' && !hostname.startsWith('*.');
  const name = { ...common, name: hostname, kind: 'host' as const, needsCertificate: value.protocol !== 'tls' };
  return { key: hostname, ...texts, name: { ...name, isAsked: isPage, ...(isPage && { url: `https://${hostname}` }) } };
}

/** A route with errors keeps its place in the list: it is what needs somebody. */
function brokenEnd({ path, before, after }: FilePair, defaultPool: string): End | undefined {
  if (after === undefined) return undefined;
  const old = endOf(before, defaultPool);
  const hostname = (after as LoadedFile<'route'>).hostname;
  const name = hostname ?? old?.name.name ?? path;
  const kind = hostname === undefined ? (old?.name.kind ?? 'file') : 'host';
  const pool = old?.name.pool ?? defaultPool;
  const key = kind === 'port' ? `${pool}\n${name}` : name;
  return {
    key,
    ...{ text: `broken ${after.blob}`, served: '' },
    name: { name, kind, pool, file: path, blob: after.blob, isAsked: false, needsCertificate: false },
  };
}

function portName(route: Route): string | undefined {
  return takesPublicPort(route) ? `${route.protocol} ${route.publicPort}` : undefined;
}

function touchedNode({ path, before, after }: FilePair): TouchedNode[] {
  const role = kindOf(path);
  if (role !== 'edge' && role !== 'origin') return [];
  const [old, next] = [valueText(before), valueText(after)];
  if (old === next) return [];
  const change = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed';
  const state = after?.value && ((after as LoadedFile<'edge'>).value?.state ?? 'active');
  return [{ node: baseNameOf(path), role, change, ...(state && { state }) }];
}

function settingsText(file: AnyLoadedFile | undefined): string {
  if (file?.kind !== 'kokoa' || file.value === undefined) return valueText(file);
  const { guards: _, ...rest } = file.value;
  return canonicalJson(rest);
}

/** The same text: the same meaning. A file with errors has only its bytes. */
function valueText(file: AnyLoadedFile | undefined): string {
  if (file === undefined) return '';
  return file.value === undefined ? `broken ${file.blob}` : canonicalJson(file.value);
}
