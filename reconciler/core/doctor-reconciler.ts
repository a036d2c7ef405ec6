// The usual mistakes around a reconciler itself, judged from what was read of its files and its store. Pure.
import { type Finding, ok } from '../../checks/finding.ts';
import { day } from '../../checks/judge-seen.ts';

export interface KeysFact {
  development: boolean;
  rootExpiresMs: number;
}

export interface TlsFact {
  endMs: number;
  isOfKey: boolean;
  /** Hostnames of controlPlane.urls that it does not name. */
  lacks: readonly string[];
}

export interface NodeFact {
  node: string;
  /** Undefined: it never reported. */
  lastSeenMs: number | undefined;
  agentVersion: string | undefined;
}

const DAY_MS = 24 * 60 * 60_000;
const ROOT_WELL_MS = 60 * DAY_MS;
const TLS_WELL_MS = 14 * DAY_MS;
/** A node asks at least every 30 s. */
const SILENCE_MS = 120_000;
const FREE_BYTES_MIN = 256 * 1024 * 1024;
const SHOWN_MAX = 5;

export function judgeKeys({ development, rootExpiresMs }: KeysFact, isPublic: boolean, nowMs: number): Finding[] {
  const what = 'the signing keys';
  const todo = 'kokoa keys rotate --root-dir DIR, with the root keys from their media, before that day';
  const end = `the root ends on ${day(rootExpiresMs)}`;
  return [
    ...(development && isPublic
      ? [
          {
            ...{ level: 'trouble' as const, what, found: 'development keys, on an address that others reach' },
            ...{ expected: 'production keys', todo: 'kokoa keys init --production, and name them by --keys' },
          },
        ]
      : []),
    ...(rootExpiresMs < nowMs + ROOT_WELL_MS
      ? [
          {
            level: rootExpiresMs < nowMs ? ('trouble' as const) : ('warning' as const),
            what,
            found: end,
            expected: 'two months or more',
            todo,
          },
        ]
      : [ok(what, `${development ? 'development keys; ' : ''}${end}`)]),
  ];
}

export function judgeTls({ endMs, isOfKey, lacks }: TlsFact, nowMs: number): Finding[] {
  const what = 'the certificate of the API';
  const left = endMs - nowMs;
  const all: Finding[] = [
    ...(isOfKey
      ? []
      : [
          {
            level: 'trouble' as const,
            what,
            found: '--tls-key is not the key of --tls-cert',
            todo: 'name the two that belong together',
          },
        ]),
    ...(lacks.length === 0
      ? []
      : [
          {
            level: 'trouble' as const,
            what,
            found: `it does not name ${shown(lacks)}`,
            expected: 'every host of controlPlane.urls',
            todo: 'order one with these names, or correct kokoa.yaml',
          },
        ]),
    ...(left >= TLS_WELL_MS
      ? []
      : [
          {
            level: left < 0 ? ('trouble' as const) : ('warning' as const),
            what,
            found: `it ends on ${day(endMs)}`,
            expected: 'two weeks or more',
            todo: 'renew it; it is read again when the file changes',
          },
        ]),
  ];
  return all.length > 0 ? all : [ok(what, `it ends on ${day(endMs)}`)];
}

export function judgeStore(sizes: { bytes: number; freeBytes: number }): Finding {
  const found = `${mebibytes(sizes.bytes)} MiB, ${mebibytes(sizes.freeBytes)} MiB are free`;
  if (sizes.freeBytes >= FREE_BYTES_MIN) return ok('the store', found);
  return {
    level: 'warning',
    what: 'the store',
    found,
    expected: '256 MiB or more',
    todo: 'free some space, or move --data',
  };
}

/** `version`: of this program. `isRunning`: a reconciler holds the store; without one all nodes are silent, and nothing is said of them. */
export function judgeNodes(nodes: readonly NodeFact[], version: string, isRunning: boolean, nowMs: number): Finding[] {
  const silent = isRunning
    ? nodes
        .filter(({ lastSeenMs }) => lastSeenMs === undefined || nowMs - lastSeenMs > SILENCE_MS)
        .map(({ node }) => node)
    : [];
  const old = nodes.filter(({ agentVersion }) => agentVersion !== undefined && isOlder(agentVersion, version));
  const all: Finding[] = [
    ...(isRunning
      ? []
      : [
          {
            level: 'warning' as const,
            what: 'the reconciler',
            found: 'it does not run with this --data',
            todo: 'systemctl status kokoa-reconciler; or name its --data',
          },
        ]),
    ...(silent.length === 0
      ? []
      : [
          {
            level: 'warning' as const,
            what: 'nodes',
            found: `${silent.length} of ${nodes.length} are silent: ${shown(silent)}`,
            expected: 'a report within two minutes',
            todo: 'there: kokoa-agent doctor; a node that never joined: docs/operate.md, who is who',
          },
        ]),
    ...(old.length === 0
      ? []
      : [
          {
            level: 'warning' as const,
            what: 'versions of agents',
            found: `older than ${version}: ${shown(old.map((one) => `${one.node} (${one.agentVersion})`))}`,
            todo: 'install the agent of this release there',
          },
        ]),
  ];
  return all.length > 0 ? all : [ok('nodes', `all ${nodes.length} reported within two minutes`)];
}

/** By its three numbers; what has none is not judged. */
function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => /^(\d{1,6})\.(\d{1,6})\.(\d{1,6})/.exec(text)?.slice(1).map(Number));
  if (a === undefined || b === undefined) return false;
  const at = a.findIndex((number, index) => number !== b[index]);
  return at >= 0 && a[at]! < b[at]!;
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 1024 / 1024);
}

function shown(texts: readonly string[]): string {
  return `${texts.slice(0, SHOWN_MAX).join(', ')}${texts.length > SHOWN_MAX ? ` and ${texts.length - SHOWN_MAX} more` : ''}`;
}
