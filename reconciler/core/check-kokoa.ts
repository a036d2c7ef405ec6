// kokoa.yaml beyond its schema: by itself, and no grant of a port by which an edge lives.
import type { Kokoa } from '../../schemas/types.ts';
import { parseNetwork, parseUrl } from './check-network.ts';
import { checkNotify } from './check-notify.ts';
import { checkPoolChecks } from './check-pool-checks.ts';
import { checkPoolNames } from './check-pool-names.ts';
import { checkZones } from './check-zones.ts';
import { escrow } from './fields/escrow.ts';
import { type FieldCheck, judgeField, placed } from './fields/field.ts';
import { limits } from './fields/limits.ts';
import { portGrants } from './fields/port-grants.ts';
import { proxyProtocolFrom } from './fields/proxy-protocol-from.ts';
import type { LoadedFile } from './files.ts';
import { EDGE_PORT_DEFAULT } from './fleet.ts';
import { hostnameProblem } from './hostname.ts';
import { type Problem, problemAt } from './problem.ts';
import { repeated } from './repeated.ts';
import { shown } from './shown.ts';

/** Problems in the order in which they are found. `edges`: those with a value. */
export function checkKokoa(file: LoadedFile<'kokoa'>, kokoa: Kokoa, edges: readonly LoadedFile<'edge'>[]): Problem[] {
  const problems: Problem[] = [];
  const { teams, zones = [], pools, notify = [], controlPlane, acme, network, defaults } = kokoa;
  for (const [list, entries] of Object.entries({ teams, zones, pools, notify })) {
    const places = entries.map(({ name }, index) => ({
      name,
      path: `${list}[${index}]`,
      pointer: `/${list}/${index}/name`,
    }));
    for (const [place, other] of repeated(places, ({ name }) => name)) {
      const message = `${place.path}: found the name ${place.name}, which ${other.path} has too, expected different ones`;
      problems.push(problemAt(file, file.locate(place.pointer), 'KK403', message, 'rename or delete one of them'));
    }
  }
  const hostname = (pointer: string, field: string, typed: string) =>
    hostnameProblem(file.path, () => file.locate(pointer), field, typed) ?? [];
  problems.push(
    ...teams.flatMap(({ hostnames }, team) =>
      hostnames.flatMap((typed, at) =>
        hostname(`/teams/${team}/hostnames/${at}`, `teams[${team}].hostnames[${at}]`, typed),
      ),
    ),
    ...zones.flatMap(({ name }, at) => {
      const pointer = `/zones/${at}/name`;
      if (!name.startsWith('*')) return hostname(pointer, `zones[${at}].name`, name);
      const message = `zones[${at}].name: found ${JSON.stringify(name)}, expected a domain without a wildcard`;
      return problemAt(file, file.locate(pointer), 'KK204', message, 'delete the wildcard');
    }),
  );
  problems.push(...checkZones(file, zones));
  problems.push(...checkNotify(file, notify));
  problems.push(...checkPoolNames(file, kokoa));
  problems.push(...checkPoolChecks(file, kokoa));
  const parsed = parseNetwork(network.wireguard);
  if ('expected' in parsed) {
    const message = `network.wireguard: found ${network.wireguard}, expected ${parsed.expected}`;
    problems.push(problemAt(file, file.locate('/network/wireguard'), 'KK404', message, 'correct the network'));
  }
  controlPlane.urls.forEach((url, at) => {
    problems.push(...checkUrl(file, `/controlPlane/urls/${at}`, url));
  });
  problems.push(...checkUrl(file, '/acme/server', acme.server));
  if (acme.fallback) {
    const pointer = '/acme/fallback/server';
    problems.push(...checkUrl(file, pointer, acme.fallback.server));
    if (acme.fallback.server === acme.server) {
      const message = `found ${shown(acme.server)}, which is acme.server, expected another certificate authority`;
      problems.push(
        problemAt(file, file.locate(pointer), 'KK414', message, 'name another one, or delete acme.fallback'),
      );
    }
  }
  const judge = <V>(check: FieldCheck<V>, value: V | undefined, pointer: string) => {
    if (value === undefined) return;
    const found = judgeField(check, value, { pointer, kokoa, hostname: undefined });
    problems.push(...found.map((problem) => placed(file, problem)));
  };
  judge(limits, defaults?.limits, '/defaults/limits');
  const grants = portGrants(tunnelPorts(edges));
  for (const [at, { ports }] of teams.entries()) judge(grants, ports, `/teams/${at}/ports`);
  for (const [at, pool] of pools.entries())
    judge(proxyProtocolFrom, pool.proxyProtocolFrom, `/pools/${at}/proxyProtocolFrom`);
  for (const [at, pool] of pools.entries()) judge(escrow, pool.escrow, `/pools/${at}/escrow`);
  return problems;
}

function checkUrl(file: LoadedFile, pointer: string, text: string): Problem[] {
  const url = parseUrl(text);
  if (url === undefined) {
    const message = `found ${shown(text)}, expected a URL`;
    return [problemAt(file, file.locate(pointer), 'KK411', message, 'correct the URL')];
  }
  if (url.secure || url.loopback) return [];
  const message = `found ${shown(text)}, expected https://: tokens would cross the network in the open`;
  return [{ ...problemAt(file, file.locate(pointer), 'KK412', message, 'write https://'), severity: 'warning' }];
}

/** Port → the edge whose tunnels come in there, of several the first by path. */
function tunnelPorts(edges: readonly LoadedFile<'edge'>[]): Map<number, string> {
  const sorted = [...edges].sort((a, b) => (a.path < b.path ? 1 : -1)).map(({ value }) => value!);
  return new Map(sorted.map(({ name, wireguard }) => [wireguard.port ?? EDGE_PORT_DEFAULT, name]));
}
