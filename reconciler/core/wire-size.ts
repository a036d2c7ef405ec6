// A route before it is published, as edges would be told it at its largest. Law: one route that edges refuse, or that fills their
// memory, would keep every change of the pool from them; so it never gets that far.
import { canonicalJson, sha256Hex } from '../../bundle/canonical.ts';
import { readChunk, readConfig } from '../../bundle/check-config.ts';
import { CONFIG_FORMAT, type EdgeConfig, type WireRoute, type WireStream } from '../../bundle/config.ts';
import { ROUTE_BYTES_MAX } from '../../bundle/limits.ts';
import { isRefusal } from '../../bundle/refusal.ts';
import { packRoute } from '../../bundle/route-texts.ts';
import type { Route, SecretReference } from '../../schemas/types.ts';
import type { LoadedFile } from './files.ts';
import type { Problem } from './problem.ts';
import { openRoute } from './wire-route.ts';
import { openStream } from './wire-stream.ts';

/** Of a user list that only the reconciler can read, which its operator put there: about twenty users. One in git has its own length. */
const UNREAD_SEALED_CHARS = 2000;
const SEALED_CHARS_MAX = 6000;

/** The longest of everything that is not the route's own. */
const LONGEST = {
  limits: { maxBodyBytes: 999_999 * 1024 ** 3, requestsPerSecond: 100_000, burst: 100_000, connections: 65_535 },
  orderer: 'o'.repeat(63),
} as const;
const LONGEST_DEFAULTS = { connections: 65_535 } as const;
const FARTHEST = { address: '255.255.255.255', port: 65_535 };

const judged = new WeakMap<LoadedFile<'route'>, readonly Problem[]>();

/** The problem of a file that has no other one, judged once. A route without long fields is not looked at: it cannot be too large. */
export function checkWire(file: LoadedFile<'route'>): readonly Problem[] {
  const { value } = file;
  if (value === undefined || !isLong(value)) return [];
  const known = judged.get(file);
  if (known !== undefined) return known;
  const problems = problemsOf(file, value);
  judged.set(file, problems);
  return problems;
}

function problemsOf(file: LoadedFile<'route'>, route: Route): Problem[] {
  const problem = (message: string, hint: string): Problem[] => [
    { file: file.path, ...file.locate(`/${longestField(route)}`), rule: 'KK343', severity: 'error', message, hint },
  ];
  try {
    const reach = { at: () => FARTHEST, sealed: placeholder };
    const { hostname } = file;
    const wire =
      hostname === undefined
        ? openStream(route, LONGEST_DEFAULTS, reach)
        : openRoute(route, { hostname, ...LONGEST }, reach);
    if (wire === undefined) return [];
    const text = canonicalJson('hostname' in wire ? packRoute(wire) : wire);
    const bytes = Buffer.byteLength(text);
    if (bytes > ROUTE_BYTES_MAX) {
      const message = `found a route of ${bytes} bytes, as edges would get it, expected at most ${ROUTE_BYTES_MAX}`;
      return problem(
        message,
        `shorten ${longestField(route)}; allow and deny, where paths take them over from the route, count in each of them`,
      );
    }
    const refusal = 'hostname' in wire ? refusalOf(wire) : streamRefusalOf(wire);
    return refusal === undefined ? [] : problem(`found what edges refuse: ${refusal}`, 'correct the value');
  } catch (error) {
    return problem(`found what cannot be compiled: ${(error as Error).message}`, 'correct the value');
  }
}

const LONG_FIELDS = [
  ...['backends', 'originTls', 'auth', 'allow', 'deny', 'paths', 'headers', 'redirect', 'maintenance', 'errorPages'],
] as const;

function isLong(route: Route): boolean {
  return LONG_FIELDS.some((field) => field in route);
}

function longestField(route: Route): string {
  const sizes = Object.entries(route).map(([field, value]): [string, number] => [field, JSON.stringify(value).length]);
  return sizes.sort(([, a], [, b]) => b - a)[0]?.[0] ?? '';
}

/** Another one for every reference: edges are told each text once. */
function placeholder(reference: SecretReference): string {
  const length = Math.min(reference.sealed?.length ?? UNREAD_SEALED_CHARS, SEALED_CHARS_MAX);
  return sha256Hex(canonicalJson(reference)).padEnd(length, 'A').slice(0, length);
}

/** What the reader of an edge has against a chunk that holds the route; with placeholders it never is the addresses. */
function refusalOf(wire: WireRoute): string | undefined {
  const text = canonicalJson({ routes: [packRoute(wire)] });
  const result = readChunk({ bucket: '', sha256: sha256Hex(text), bytes: Buffer.byteLength(text) }, text);
  return isRefusal(result) ? result.detail.replace(/^chunk [0-9a-f]{64}\/routes\/0/, 'route') : undefined;
}

/** The same for a config that tells of a public port. */
function streamRefusalOf(wire: WireStream): string | undefined {
  const result = readConfig(canonicalJson({ ...SMALLEST, edge: { ...SMALLEST.edge, streams: [wire] } }));
  return isRefusal(result) ? result.detail.replace(/^config\/edge\/streams\/0/, 'route') : undefined;
}

const SMALLEST: EdgeConfig = {
  ...{ format: CONFIG_FORMAT, node: 'e', role: 'edge', network: { wireguard: '10.0.0.0/8' } },
  wireguard: { address: '10.0.0.1', peers: [] },
  controlPlane: { urls: ['https://a'] },
  edge: { pool: 'a', members: [], acme: { server: 'https://a' }, chunks: [] },
};
