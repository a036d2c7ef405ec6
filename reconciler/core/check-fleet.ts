// kokoa.yaml and the nodes against each other: names, addresses, tokens, keys. Few files, whatever the number of routes.
import type { Kokoa } from '../../schemas/types.ts';
import { expectedAddress, isEndpoint, parseNetwork, parseUrl } from './check-network.ts';
import { checkPool, problemAt, unknownTeam } from './check-route.ts';
import { judgeField, placed } from './fields/field.ts';
import { limits } from './fields/limits.ts';
import type { LoadedFile } from './files.ts';
import { hostnameProblem } from './hostname.ts';
import { baseNameOf, KOKOA_FILE } from './paths.ts';
import { compareProblems, type Problem } from './problem.ts';
import type { RuleId } from './rules.ts';
import { indexOf } from './settings-index.ts';
import type { DesiredView } from './view.ts';

type NodeFile = LoadedFile<'edge'> | LoadedFile<'origin'>;

/** The problems of kokoa.yaml and of all nodes, sorted. Nodes without a value take no part; without kokoa.yaml its rules are not asked. */
export function checkFleet(view: DesiredView): Problem[] {
  const nodes: NodeFile[] = [...view.edges, ...view.origins].filter(({ value }) => value !== undefined);
  const { kokoa } = view;
  const problems = kokoa === undefined ? [missingKokoa()] : [];
  for (const node of nodes) problems.push(...checkNode(node));
  problems.push(...checkUniqueness(nodes));
  if (kokoa?.value !== undefined) problems.push(...checkKokoa(kokoa, kokoa.value), ...checkAgainst(kokoa.value, nodes));
  return problems.sort(compareProblems);
}

function missingKokoa(): Problem {
  const message = `found no ${KOKOA_FILE}, expected one at the top of the data`;
  return problemAt(
    { path: KOKOA_FILE },
    { line: 1, column: 1 },
    'KK401',
    message,
    'run it in the right folder, or write the file',
  );
}

function checkNode(node: NodeFile): Problem[] {
  const problems: Problem[] = [];
  const { name, token, state, wireguard } = node.value!;
  const expected = baseNameOf(node.path);
  if (name !== expected) {
    const message = `found the name ${name} in ${node.path}, expected ${expected}`;
    problems.push(
      problemAt(node, node.locate('/name'), 'KK402', message, `write name: ${expected}, or rename the file`),
    );
  }
  if (token === undefined && state !== 'revoked' && state !== 'compromised') {
    const message = 'found no token, expected the sha256 of one: the machine counts as revoked';
    const hint = `make one with: kokoa ${node.kind} add ${expected}; or write state: revoked`;
    problems.push({ ...problemAt(node, node.locate(''), 'KK409', message, hint), severity: 'warning' });
  }
  if ('endpoint' in wireguard && wireguard.endpoint !== undefined && !isEndpoint(wireguard.endpoint)) {
    const message = `found ${JSON.stringify(wireguard.endpoint)}, expected ADDRESS:PORT, such as 203.0.113.7:51820`;
    const hint = 'write the public address itself, no name; delete the line when the machine is behind NAT';
    problems.push(problemAt(node, node.locate('/wireguard/endpoint'), 'KK410', message, hint));
  }
  return problems;
}

function checkUniqueness(nodes: readonly NodeFile[]): Problem[] {
  const claims = (
    rule: RuleId,
    what: string,
    pointer: string,
    hint: string,
    keyOf: (node: NodeFile) => string | undefined,
  ) =>
    repeated(nodes, keyOf).map(([node, other]) => {
      const message = `found ${what} that ${other.path} has too, expected one of its own`;
      return problemAt(node, node.locate(pointer), rule, message, hint);
    });
  return [
    ...claims(
      'KK403',
      'a name',
      '/name',
      'edges and origins share one set of names: rename one',
      ({ value }) => value!.name,
    ),
    ...claims(
      'KK406',
      'an address',
      '/wireguard/address',
      'choose a free address',
      ({ value }) => value!.wireguard.address,
    ),
    ...claims('KK407', 'a token', '/token', 'make a new token for one of them', ({ value }) =>
      value!.token?.replace(/^sha256:/, ''),
    ),
    ...claims(
      'KK408',
      'a public key',
      '/wireguard/publicKey',
      'delete the wrong one',
      ({ value }) => value!.wireguard.publicKey,
    ),
  ];
}

/** kokoa.yaml by itself, beyond its schema. */
function checkKokoa(file: LoadedFile<'kokoa'>, kokoa: Kokoa): Problem[] {
  const problems: Problem[] = [];
  const { teams, zones = [], pools, controlPlane, acme, network, defaults } = kokoa;
  for (const [list, entries] of Object.entries({ teams, zones, pools })) {
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
  const parsed = parseNetwork(network.wireguard);
  if ('expected' in parsed) {
    const message = `network.wireguard: found ${network.wireguard}, expected ${parsed.expected}`;
    problems.push(problemAt(file, file.locate('/network/wireguard'), 'KK404', message, 'correct the network'));
  }
  controlPlane.urls.forEach((url, at) => {
    problems.push(...checkUrl(file, `/controlPlane/urls/${at}`, url));
  });
  problems.push(...checkUrl(file, '/acme/server', acme.server));
  if (defaults?.limits !== undefined) {
    const place = { pointer: '/defaults/limits', kokoa, hostname: undefined };
    problems.push(...judgeField(limits, defaults.limits, place).map((problem) => placed(file, problem)));
  }
  return problems;
}

function checkUrl(file: LoadedFile, pointer: string, text: string): Problem[] {
  const url = parseUrl(text);
  if (url === undefined) {
    const message = `found ${JSON.stringify(text)}, expected a URL`;
    return [problemAt(file, file.locate(pointer), 'KK411', message, 'correct the URL')];
  }
  if (url.secure || url.loopback) return [];
  const message = `found ${JSON.stringify(text)}, expected https://: tokens would cross the network in the open`;
  return [{ ...problemAt(file, file.locate(pointer), 'KK412', message, 'write https://'), severity: 'warning' }];
}

/** The nodes against what kokoa.yaml says. */
function checkAgainst(kokoa: Kokoa, nodes: readonly NodeFile[]): Problem[] {
  const settings = indexOf(kokoa);
  const network = parseNetwork(kokoa.network.wireguard);
  const problems: Problem[] = [];
  for (const node of nodes) {
    const { address } = node.value!.wireguard;
    const expected = 'expected' in network ? undefined : expectedAddress(network, address);
    if (expected !== undefined) {
      const message = `found the address ${address}, expected ${expected}`;
      problems.push(problemAt(node, node.locate('/wireguard/address'), 'KK405', message, 'choose a free host address'));
    }
    if (node.kind === 'edge') problems.push(...checkPool(settings, node, node.value!.pool));
    else
      node.value!.teams.forEach((team, at) => {
        if (!settings.grants.has(team)) problems.push(unknownTeam(settings, node, node.locate(`/teams/${at}`), team));
      });
  }
  return problems;
}

/** Every item whose key another one has, with the first such other by path. */
function repeated<T extends { path: string }>(items: readonly T[], keyOf: (item: T) => string | undefined): [T, T][] {
  const byKey = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    if (key === undefined) continue;
    const group = byKey.get(key);
    if (group === undefined) byKey.set(key, [item]);
    else group.push(item);
  }
  return [...byKey.values()].flatMap((group) => {
    if (group.length < 2) return [];
    const [first, second] = [...group].sort((a, b) => (a.path < b.path ? -1 : 1)) as [T, T, ...T[]];
    return group.map((item): [T, T] => [item, item === first ? second : first]);
  });
}
