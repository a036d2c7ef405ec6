// What git says before any route: two teams, one edge and four origins that live on loopback addresses, and what the nodes announced.
import { createHash, randomBytes } from 'node:crypto';
import type { Enrolment } from '../../bundle/api.ts';
import { CONFIG_FORMAT } from '../../bundle/config.ts';

export const EDGE_NODE = 'one';
/** Of the edge's ACME account; what it answers challenges with. */
export const THUMBPRINT = 'A'.repeat(43);

/** Origin → its address inside the tunnel network `127.N`. */
const ORIGINS = { home: '1.1', office: '1.2', nas: '1.3', login: '1.4' } as const;
export type OriginName = keyof typeof ORIGINS;
export type OriginAddresses = Readonly<Record<OriginName, string>>;

/** `prefix`: the first two numbers of the network, such as `127.90`. */
export function originAddresses(prefix: string): OriginAddresses {
  const entries = Object.entries(ORIGINS).map(([name, rest]) => [name, `${prefix}.${rest}`]);
  return Object.fromEntries(entries) as Record<OriginName, string>;
}

/** What a test may want otherwise. */
export interface KokoaYaml {
  /** Public ports of the team hoge. */
  ports?: readonly number[];
  /** Lines of the pool `default`, such as `tlsPassthrough: true`. */
  pool?: readonly string[];
  /** Names of pools without edges. */
  emptyPools?: readonly string[];
}

/** For `publish`, in place of the one in `fleetFiles`. */
export function kokoaYaml(prefix: string, { ports = [], pool = [], emptyPools = [] }: KokoaYaml = {}): string {
  return `controlPlane:
  urls: [http://127.0.0.1:1]
acme:
  server: https://127.0.0.1:1/dir
teams:
  - name: hoge
    hostnames: ['*.hoge.com']
${ports.length > 0 ? `    ports: [${ports.map((port) => `'${port}'`).join(', ')}]\n` : ''}  - name: fuga
    hostnames: ['*.fuga.com']
network:
  wireguard: ${prefix}.0.0/16
pools:
  - name: default
${[...pool.map((line) => `    ${line}\n`), ...emptyPools.map((name) => `  - name: ${name}\n`)].join('')}`;
}

/** kokoa.yaml, the edge and the origins, path → text. Every origin is open to both teams. */
export function fleetFiles(prefix: string): Record<string, string> {
  const files: Record<string, string> = {
    'kokoa.yaml': kokoaYaml(prefix),
    [`edges/${EDGE_NODE}.yaml`]: `name: ${EDGE_NODE}
wireguard:
  address: ${prefix}.0.1
token: sha256:${tokenHash(EDGE_NODE)}
`,
  };
  for (const [name, address] of Object.entries(originAddresses(prefix))) {
    files[`origins/${name}.yaml`] = `name: ${name}
teams: [hoge, fuga]
wireguard:
  address: ${address}
token: sha256:${tokenHash(name)}
`;
  }
  return files;
}

/** What the nodes announced, as `kokoa compile --enrolments` reads it. Keys in form only: no tunnel runs. `recipient`: the edge's. */
export function announcements(recipient: string): string {
  const enrolments: Record<string, Enrolment> = {
    [EDGE_NODE]: { ...keys(), recipient, acmeThumbprint: THUMBPRINT, address: { ipv4: '198.51.100.1' } },
  };
  for (const name of Object.keys(ORIGINS)) enrolments[name] = { ...keys(), allow: ['1-65535'] };
  return JSON.stringify(enrolments);
}

function keys(): Pick<Enrolment, 'wireguardPublicKey' | 'signingKey' | 'formats'> {
  const wireguardPublicKey = randomBytes(32).toString('base64');
  return { wireguardPublicKey, signingKey: randomBytes(32).toString('base64url'), formats: [CONFIG_FORMAT] };
}

function tokenHash(node: string): string {
  return createHash('sha256').update(`token of ${node}`).digest('hex');
}
