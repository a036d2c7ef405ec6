// The text of new data files: block style, one fact a line, as a person would write them.

export interface NewEdge {
  name: string;
  address: { ipv4?: string; ipv6?: string };
  wireguardAddress: string;
  pool?: string;
  /** Hex. */
  tokenSha256: string;
}

export interface NewOrigin {
  name: string;
  teams: readonly string[];
  wireguardAddress: string;
  tokenSha256: string;
}

export interface NewRoute {
  hostname: string;
  origin: string;
  port: number;
}

/** The port is written out because firewalls in front of the edge must let it in. */
export function edgeYaml({ name, address, wireguardAddress, pool, tokenSha256 }: NewEdge): string {
  const { ipv4, ipv6 } = address;
  return lines(
    schemaLine('../schemas/edge.schema.json'),
    `name: ${scalar(name)}`,
    (ipv4 ?? ipv6) !== undefined && 'address:',
    ipv4 !== undefined && `  ipv4: ${scalar(ipv4)}`,
    ipv6 !== undefined && `  ipv6: ${scalar(ipv6)}`,
    'wireguard:',
    `  address: ${scalar(wireguardAddress)}`,
    '  port: 51820',
    `token: sha256:${tokenSha256}`,
    pool !== undefined && `pool: ${scalar(pool)}`,
    'state: active',
  );
}

export function originYaml({ name, teams, wireguardAddress, tokenSha256 }: NewOrigin): string {
  return lines(
    schemaLine('../schemas/origin.schema.json'),
    `name: ${scalar(name)}`,
    'teams:',
    ...teams.map((team) => `  - ${scalar(team)}`),
    'wireguard:',
    `  address: ${scalar(wireguardAddress)}`,
    `token: sha256:${tokenSha256}`,
  );
}

export function routeYaml({ hostname, origin, port }: NewRoute): string {
  return lines(
    schemaLine('../../schemas/route.schema.json'),
    `hostname: ${scalar(hostname)}`,
    `origin: ${scalar(origin)}`,
    `port: ${port}`,
  );
}

/** Where a route is written. A file name cannot begin with `*`, and no hostname has a `_`. */
export function routePath(team: string, hostname: string): string {
  return `routes/${team}/${hostname.replace(/^\*/, '_wildcard')}.yaml`;
}

/**
 * `text` (a node file) with another token and generation and everything else, comments too, as it was. It edits lines, so the
 * caller compares the result as data: a layout it does not know comes back unchanged or wrong.
 */
export function withToken(text: string, tokenSha256: string, generation: number): string {
  const token = text.replace(/^token:[ \t]+[^\s#]+/m, `token: sha256:${tokenSha256}`);
  if (/^generation:/m.test(token)) return token.replace(/^generation:[ \t]+\d+/m, `generation: ${generation}`);
  return token.replace(/^token:.*$/m, (line) => `${line.trimEnd()}\ngeneration: ${generation}`);
}

/** Words that YAML 1.1 or 1.2 readers take for something else than text. */
const RESERVED = new Set(['null', 'true', 'false', 'yes', 'no', 'on', 'off', 'y', 'n']);

function scalar(text: string): string {
  const plain = /^[a-z0-9][a-z0-9.-]*$/.test(text) && Number.isNaN(Number(text)) && !RESERVED.has(text);
  return plain ? text : `'${text.replaceAll("'", "''")}'`;
}

function schemaLine(path: string): string {
  return `# yaml-language-server: $schema=${path}`;
}

function lines(...all: (string | false)[]): string {
  return `${all.filter((line) => line !== false).join('\n')}\n`;
}
