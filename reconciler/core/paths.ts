// What a file is, by its place: kokoa.yaml, routes/TEAM/NAME.yaml, origins/NAME.yaml, edges/NAME.yaml. Everything else is no data.
import type { Kind } from './files.ts';
import type { RuleId } from './rules.ts';

const FOLDERS: Record<string, Kind> = { routes: 'route', origins: 'origin', edges: 'edge' };

/** Folders that hold data, and the one file at the top. */
export const DATA_FOLDERS = Object.keys(FOLDERS);
export const KOKOA_FILE = 'kokoa.yaml';

const YAML_NAME = /\.ya?ml$/i;
/** Letters of any script, digits, `_`, then also dot and dash: a file name that can stand in a log and on a command line. */
const FILE_NAME = /^[\p{L}\p{N}_][\p{L}\p{M}\p{N}._-]{0,249}$/u;
const NODE_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * The kind that a path (relative, forward slashes) claims to be; undefined: no file of the data. Files with other endings
 * (README.md, .gitkeep) are none. A kind does not mean that the place is right: `judgePath` says that.
 */
export function kindOf(path: string): Kind | undefined {
  if (!YAML_NAME.test(path)) return undefined;
  if (/^kokoa\.ya?ml$/i.test(path)) return 'kokoa';
  const slash = path.indexOf('/');
  const folder = path.slice(0, slash);
  return slash > 0 && Object.hasOwn(FOLDERS, folder) ? FOLDERS[folder] : undefined;
}

/** The team whose folder a route lies in, where the path has the right depth. */
export function teamOf(path: string): string | undefined {
  const parts = path.split('/');
  return parts[0] === 'routes' && parts.length === 3 ? parts[1] : undefined;
}

/** The file name without its ending: what a node must be called. */
export function baseNameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(YAML_NAME, '');
}

/** What is wrong with the place or the name of a file of the data; undefined: nothing. */
export function judgePath(path: string, kind: Kind): { rule: RuleId; message: string; hint: string } | undefined {
  if (!path.endsWith('.yaml')) {
    const hint = `rename the file to ${baseNameOf(path)}.yaml`;
    return {
      rule: 'KK102',
      message: `found a name ending in ${path.slice(path.lastIndexOf('.'))}, expected .yaml`,
      hint,
    };
  }
  if (kind === 'kokoa') {
    if (path === KOKOA_FILE) return undefined;
    return { rule: 'KK101', message: `found ${path}, expected ${KOKOA_FILE}`, hint: 'rename the file' };
  }
  const [folder, ...rest] = path.split('/');
  const expected = kind === 'route' ? 'routes/TEAM/NAME.yaml' : `${folder}/NAME.yaml`;
  const hint = kind === 'route' ? 'put it into the folder of a team' : `put it directly into ${folder}/`;
  if (rest.length !== (kind === 'route' ? 2 : 1))
    return { rule: 'KK101', message: `found ${path}, expected ${expected}`, hint };
  const names = kind === 'route' ? rest.slice(0, 1) : [baseNameOf(path)];
  if (!names.every((name) => NODE_NAME.test(name)) || !FILE_NAME.test(rest.at(-1)!)) {
    const message = `found the name ${path}, expected ${expected} with lower-case letters, digits and dashes`;
    return { rule: 'KK101', message, hint: 'rename the file or its folder' };
  }
  return undefined;
}
