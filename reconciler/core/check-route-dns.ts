// What a route does to other names in DNS. The cost is that of the labels of its name.
import type { Kokoa } from '../../schemas/types.ts';
import { poolNames, zoneNameOf } from './dns/wanted-records.ts';
import type { LoadedFile } from './files.ts';
import { type Problem, problemAt } from './problem.ts';
import type { DesiredView } from './view.ts';

export function checkRouteDns(view: DesiredView, file: LoadedFile<'route'>, kokoa: Kokoa): Problem[] {
  const { hostname } = file;
  if (hostname === undefined) return [];
  const taken = [...poolNames(kokoa).values()].find((pool) => pool.hostname === hostname);
  if (taken) {
    const message = `found ${hostname}, which is the name of pool ${taken.pool} in DNS, expected another name`;
    return [problemAt(file, file.locate('/hostname'), 'KK370', message, 'choose another hostname')];
  }
  const hidden = namesHidden(view, hostname, kokoa);
  if (hidden === undefined) return [];
  const [name, wildcard] = hidden;
  const message = `${hostname} makes ${name} exist in DNS, which ${wildcard} then covers no more`;
  const [theirs] = view.routesByHost(wildcard).map((path) => view.route(path)?.team);
  const hint =
    theirs === file.team
      ? `add a route for ${name}, if anybody uses it`
      : `ask team ${theirs}, whose wildcard it is, for a route ${name}`;
  const problem = problemAt(file, file.locate('/hostname'), 'KK371', message, hint);
  return [theirs === file.team ? { ...problem, severity: 'warning' } : problem];
}

/** A name between the route and its zone that only a wildcard route serves (RFC 4592, 2.2.2). */
function namesHidden(view: DesiredView, hostname: string, kokoa: Kokoa): [name: string, wildcard: string] | undefined {
  const zone = zoneNameOf(hostname, kokoa);
  const base = hostname.replace(/^\*\./, '');
  if (zone === undefined || base === zone) return undefined;
  const labels = base.slice(0, -zone.length - 1).split('.');
  for (let at = hostname.startsWith('*.') ? 0 : 1; at < labels.length; at += 1) {
    const name = `${labels.slice(at).join('.')}.${zone}`;
    const above = [...labels.slice(at + 1), zone].join('.');
    const isServed = view.routesByHost(name).length > 0;
    if (!isServed && view.routesByHost(`*.${above}`).length > 0) return [name, `*.${above}`];
  }
  return undefined;
}
