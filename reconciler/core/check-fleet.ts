// kokoa.yaml and the nodes against each other: names, addresses, tokens, keys. Few files, whatever the number of routes.
import type { Kokoa } from '../../schemas/types.ts';
import { checkKokoa } from './check-kokoa.ts';
import { expectedAddress, isEndpoint, parseNetwork } from './check-network.ts';
import { checkPool, unknownTeam } from './check-route.ts';
import type { LoadedFile } from './files.ts';
import { baseNameOf, KOKOA_FILE } from './paths.ts';
import { compareProblems, type Problem, problemAt } from './problem.ts';
import { repeated } from './repeated.ts';
import type { RuleId } from './rules.ts';
import { indexOf } from './settings-index.ts';
import { tokenHashOf } from './slots.ts';
import { checkTeamTokens } from './team-token-check.ts';
import type { DesiredView } from './view.ts';

type NodeFile = LoadedFile<'edge'> | LoadedFile<'origin'>;

/** The problems of kokoa.yaml and of all nodes, sorted. Nodes without a value take no part; without kokoa.yaml its rules are not asked. */
export function checkFleet(view: DesiredView): Problem[] {
  const nodes: NodeFile[] = [...view.edges, ...view.origins].filter(({ value }) => value !== undefined);
  const { kokoa } = view;
  const problems = kokoa === undefined ? [missingKokoa()] : [];
  for (const node of nodes) problems.push(...checkNode(node));
  problems.push(...checkUniqueness(nodes));
  if (kokoa?.value !== undefined)
    problems.push(
      ...checkKokoa(kokoa, kokoa.value, nodes.filter(isEdge)),
      ...checkTeamTokens(kokoa, kokoa.value, new Map(nodes.map((node) => [tokenHashOf(node.value!) ?? '', node.path]))),
      ...checkAgainst(kokoa.value, nodes),
    );
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

function isEdge(node: NodeFile): node is LoadedFile<'edge'> {
  return node.kind === 'edge';
}
