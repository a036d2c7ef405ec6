// Writes a route file in the folder of the team that is granted the name.
import { KokoaError } from '../../bundle/error.ts';
import type { Kokoa } from '../../schemas/types.ts';
import { canonicalHostname, coveredByAny } from '../core/hostname.ts';
import { routePath, routeYaml } from '../core/new-files.ts';
import { indexOf } from '../core/settings-index.ts';
import { openDataFolder, refuseExisting, writeNewFile } from './data-folder.ts';
import { routeSteps } from './next-steps.ts';

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const PORT = /^[1-9][0-9]{0,4}$/;

export interface RouteOptions {
  dir: string;
  origin: string;
  port: string;
  team?: string;
}

/** False: not written, the problems are printed. */
export async function addRoute(host: string, { dir, origin, port, team }: RouteOptions): Promise<boolean> {
  const result = canonicalHostname(host);
  if (result.kind === 'refused')
    throw usage(`found the host ${JSON.stringify(host.slice(0, 253))}, expected ${result.expected}`);
  if (!PORT.test(port)) throw usage(`found --port ${JSON.stringify(port.slice(0, 20))}, expected 1 to 65535`);
  const { hostname } = result;
  const folder = openDataFolder(dir);
  const path = routePath(team === undefined ? onlyTeam(folder.kokoa, hostname) : teamNamed(team), hostname);
  await refuseExisting(folder, path, 'edit the file to change the route');
  if (!(await writeNewFile(folder, path, routeYaml({ hostname, origin, port: Number(port) })))) return false;
  console.error(`wrote ${path}`);
  for (const line of routeSteps(dir, path, hostname, folder.kokoa.pools[0]?.name ?? 'default')) console.error(line);
  return true;
}

/** The one team whose grants cover the name. @throws KokoaError usage when there is none, or more than one */
function onlyTeam(kokoa: Kokoa, hostname: string): string {
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
