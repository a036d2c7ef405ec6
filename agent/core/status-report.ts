// What a node reports of itself. Law: a report fits into one post, whatever the node holds; what is cut is cut from the longest list.
import type { StatusReport } from '../../bundle/api.ts';
import type { Peer } from '../../bundle/config.ts';
import { POST_BYTES_MAX } from '../../bundle/limits.ts';
import type { TunnelState } from '../ports/tunnel.ts';

export interface ReportFacts extends StatusReport {
  /** Hosts that nobody reaches here, for reasons besides those in `quarantined`. */
  unserved: readonly { hostname: string; reason: string }[];
}

const LISTS = ['quarantined', 'certificates', 'answers', 'tunnels', 'backends'] as const;

/** What signing adds: `,"sequence":…,"signature":"…"`. */
const SIGNATURE_BYTES_MAX = 256;

/** The report, each host with its reasons once, within POST_BYTES_MAX. */
export function composeReport({ unserved, ...report }: ReportFacts): StatusReport {
  const reasons = new Map<string, string>();
  for (const { hostname, reason } of [...unserved, ...(report.quarantined ?? [])]) {
    const other = reasons.get(hostname);
    reasons.set(hostname, other === undefined ? reason : `${other}; ${reason}`);
  }
  const quarantined = [...reasons].map(([hostname, reason]) => ({ hostname, reason }));
  return withinBounds({ ...report, ...((report.quarantined || quarantined.length > 0) && { quarantined }) });
}

/** Age of the newest handshake with each peer in whole seconds; null: never. */
export function tunnelAges(
  peers: readonly Peer[],
  tunnel: TunnelState | undefined,
  nowMs: number,
): NonNullable<StatusReport['tunnels']> {
  const latest = new Map(tunnel?.peers.map(({ publicKey, latestHandshake }) => [publicKey, latestHandshake]));
  return peers.map(({ node, publicKey, nextPublicKey = '' }) => {
    const at = Math.max(latest.get(publicKey) ?? 0, latest.get(nextPublicKey) ?? 0);
    return { node, handshakeAgeSeconds: at === 0 ? null : Math.max(0, Math.round(nowMs / 1000 - at)) };
  });
}

function withinBounds(report: StatusReport): StatusReport {
  let fitting = report;
  while (Buffer.byteLength(JSON.stringify(fitting)) > POST_BYTES_MAX - SIGNATURE_BYTES_MAX) {
    const longest = LISTS.toSorted((a, b) => (fitting[b]?.length ?? 0) - (fitting[a]?.length ?? 0))[0]!;
    const list = fitting[longest] ?? [];
    if (list.length === 0) break;
    fitting = { ...fitting, [longest]: list.slice(0, Math.floor(list.length / 2)) };
  }
  return fitting;
}
