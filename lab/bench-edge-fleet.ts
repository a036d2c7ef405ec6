// What git says in the benchmarks of the edge, as YAML: one edge, a few origins, many teams, and routes that say little or much.
import { randomBytes } from 'node:crypto';
import type { Enrolment } from '../bundle/api.ts';
import { sha256Hex } from '../bundle/canonical.ts';
import { CONFIG_FORMAT } from '../bundle/config.ts';

/** Path in the repository → text. */
export type Files = Readonly<Record<string, string>>;

export interface Fleet {
  /** The first two numbers of the tunnel network, such as `10.100`. */
  prefix: string;
  teams: number;
  origins: number;
}

export const EDGE_NODE = 'edge-1';
/** Of the edge's ACME account. */
const THUMBPRINT = 'A'.repeat(43);
/** A domain that is nobody's. */
const DOMAIN = 'example.net';
/** Of 1 000 routes with own paths. */
const EVERY = { paths: 10, limits: 50, stripped: 3, allowed: 20, withLogin: 50 } as const;

/** The nodes and the teams. Every origin is open to every team. */
export function fleetFiles({ prefix, teams, origins }: Fleet): Files {
  const names = range(teams).map(teamName);
  const files: Record<string, string> = {
    'kokoa.yaml': `controlPlane:
  urls: [http://127.0.0.1:1]
acme:
  server: https://127.0.0.1:1/dir
network:
  wireguard: ${prefix}.0.0/16
pools:
  - name: default
teams:
${names.map((name) => `  - name: ${name}\n    hostnames: ['*.${name}.${DOMAIN}']\n`).join('')}`,
    [`edges/${EDGE_NODE}.yaml`]: slotFile(EDGE_NODE, `${prefix}.0.1`),
  };
  for (const index of range(origins)) {
    const name = originName(index);
    files[`origins/${name}.yaml`] = `${slotFile(name, originAddress(prefix, index))}teams: [${names.join(', ')}]\n`;
  }
  return files;
}

/** `count` routes that say where they go and nothing else, each to a service of its own. */
export function plainRoutes(count: number, { teams, origins }: Fleet): Files {
  const routes = range(count).map((index) => {
    const hostname = routeName(index, teams);
    return [routePath(index, teams), `hostname: ${hostname}\n${target(index, origins)}`] as const;
  });
  return Object.fromEntries(routes);
}

/** Every tenth of those routes with paths of its own, and every fiftieth with limits of its own, half of them among the former. */
export function dressedRoutes(count: number, fleet: Fleet): Files {
  const plain = plainRoutes(count, fleet);
  const files: Record<string, string> = {};
  for (const index of range(count)) {
    const withPaths = index % EVERY.paths === 0;
    const withLimits = index % EVERY.limits === (index % (2 * EVERY.limits) < EVERY.limits ? 0 : 1);
    if (!withPaths && !withLimits) continue;
    const path = routePath(index, fleet.teams);
    files[path] = `${plain[path]}${withPaths ? pathsOf(index, fleet) : ''}${withLimits ? limitsOf(index) : ''}`;
  }
  return files;
}

/** The route at `index` of `plainRoutes`. */
export function routeName(index: number, teams: number): string {
  return `r${index}.${teamName(index % teams)}.${DOMAIN}`;
}

export function routePath(index: number, teams: number): string {
  return `routes/${teamName(index % teams)}/${routeName(index, teams)}.yaml`;
}

export function originName(index: number): string {
  return `origin-${index}`;
}

export function originAddress(prefix: string, index: number): string {
  return `${prefix}.${1 + Math.floor(index / 200)}.${1 + (index % 200)}`;
}

/** What the nodes announced, as `kokoa compile --enrolments` reads it. Keys in form only: no tunnel runs. */
export function announcements({ origins }: Fleet, recipient: string): string {
  const edge: Enrolment = { ...keys(), recipient, acmeThumbprint: THUMBPRINT, address: { ipv4: '198.51.100.1' } };
  const others = range(origins).map((index) => [originName(index), { ...keys(), allow: ['1-65535'] }] as const);
  return JSON.stringify({ [EDGE_NODE]: edge, ...Object.fromEntries(others) });
}

/** Three parts of a site: one elsewhere, one without its prefix on every third route, one that few may see. */
function pathsOf(index: number, { origins }: Fleet): string {
  const nth = index / EVERY.paths;
  const stripped = nth % EVERY.stripped === 0 ? '    stripPrefix: true\n' : '';
  const allowed = nth % EVERY.allowed === 0 ? `    allow: [198.51.${nth % 250}.0/24, 203.0.113.0/24]\n` : '';
  const login = nth % EVERY.withLogin === 0 ? '    auth:\n      basic:\n        users:\n          file: users\n' : '';
  return `paths:
  - prefix: /api/v${nth}
    origin: ${originName((index + 1) % origins)}
    port: ${7000 + (nth % 100)}
${stripped}  - prefix: /files-${nth}
    origin: ${originName((index + 2) % origins)}
    port: 9000
  - prefix: /admin
${allowed}${login}${allowed || login ? '' : '    deny: [203.0.113.66]\n'}`;
}

/** No two routes say the same. */
function limitsOf(index: number): string {
  const [maxBody, rate] = [`${100 + index}k`, 10 + index];
  return `limits:\n  maxBody: ${maxBody}\n  requestsPerSecond: ${rate}\n  burst: ${2 * rate}\n  connections: ${50 + index}\n`;
}

function target(index: number, origins: number): string {
  return `origin: ${originName(index % origins)}\nport: ${10_000 + Math.floor(index / origins)}\n`;
}

function teamName(index: number): string {
  return `team-${index}`;
}

function slotFile(name: string, address: string): string {
  return `name: ${name}\nwireguard:\n  address: ${address}\ntoken: sha256:${sha256Hex(`token of ${name}`)}\n`;
}

function keys(): Pick<Enrolment, 'wireguardPublicKey' | 'signingKey' | 'formats'> {
  const wireguardPublicKey = randomBytes(32).toString('base64');
  return { wireguardPublicKey, signingKey: randomBytes(32).toString('base64url'), formats: [CONFIG_FORMAT] };
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
