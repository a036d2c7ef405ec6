// Writes a route file in the folder of the team that is granted the name.
import { KokoaError } from '../../bundle/error.ts';
import type { Kokoa } from '../../schemas/types.ts';
import { canonicalHostname, coveredByAny } from '../core/hostname.ts';
import { routePath, routeYaml } from '../core/new-files.ts';
import { indexOf } from '../core/settings-index.ts';
import { openDataFolder, refuseExisting, writeNewFile } from './data-folder.ts';
import { dataTop } from './data-top.ts';
import { routeSteps } from './next-steps.ts';
import { programWords } from './program-words.ts';

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/;
const PORT = /^[1-9][0-9]{0,4}$/;

export interface RouteOptions {
  dir?: string;
  origin: string;
  port: string;
  host?: string;
  team?: string;
}

/** False: not written, the problems are printed. */
export async function addRoute(host: string, options: RouteOptions): Promise<boolean> {
  const { origin, port, host: lan, team } = options;
  const dir = dataTop(options.dir);
  const result = canonicalHostname(host);
  if (result.kind === 'refused')
    throw usage(`found the host ${JSON.stringify(host.slice(0, 253))}, expected ${result.expected}`);
  if (!PORT.test(port)) throw usage(`found --port ${JSON.stringify(port.slice(0, 20))}, expected 1 to 65535`);
  if (lan !== undefined && !IPV4.test(lan))
    throw usage(`found --host ${JSON.stringify(lan.slice(0, 80))}, expected an IPv4 address such as 192.168.1.20`);
  const { hostname } = result;
  const folder = openDataFolder(dir);
  const path = routePath(team === undefined ? onlyTeam(folder.kokoa, hostname) : teamNamed(team), hostname);
  await refuseExisting(folder, path, 'edit the file to change the route');
  const text = routeYaml({ hostname, origin, port: Number(port) });
  if (!(await writeNewFile(folder, path, lan === undefined ? text : `${text}host: ${lan}\n`))) return false;
  console.error(`wrote ${path}`);
  const allow = lan === undefined ? port : `${lan}:${port}`;
  const pool = folder.kokoa.pools[0]?.name ?? 'default';
  const steps = routeSteps({ kokoa: programWords(), dir, path, hostname, pool, origin, allow });
  for (const line of steps) console.error(line);
  return true;
}

/** The one team whose grants cover the name. @throws KokoaError usage when there is none, or more than one */
export function onlyTeam(kokoa: Kokoa, hostname: string): string {
  const teams = [...indexOf(kokoa).grants].filter(([, grants]) => coveredByAny(grants, hostname)).map(([team]) => team);
  const [only] = teams;
  if (only !== undefined && teams.length === 1) return only;
  if (only === undefined) {
    throw new KokoaError('usage', `no team is granted ${hostname}`, { hint: 'an operator grants names in kokoa.yaml' });
  }
  throw new KokoaError('usage', `more than one team is granted ${hostname}`, {
    hint: `say which one asks: ${teams
      .slice(0, 5)
      .map((team) => `--team ${team}`)
      .join(' or ')}`,
  });
}

function teamNamed(team: string): string {
  if (NAME.test(team)) return team;
  throw usage(`found --team ${JSON.stringify(team.slice(0, 80))}, expected lower-case letters, digits and dashes`);
}

function usage(message: string): KokoaError {
  return new KokoaError('usage', message);
}
