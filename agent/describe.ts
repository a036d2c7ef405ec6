// What `kokoa-agent status` says: facts as data, and the same facts as lines for a person at 80 columns.

import type { Restored, VisitorAnswer } from '../bundle/api.ts';
import { labelledLine } from './core/labelled-line.ts';
import { rotationText } from './core/rotation-text.ts';
import { tunnelAges } from './core/status-report.ts';
import { describeCertificates } from './describe-certificates.ts';
import { describeRecipients, type RecipientsReading } from './describe-recipients.ts';
import { describeStanding } from './describe-standing.ts';
import type { HeldCertificate } from './ports/certificate-store.ts';
import type { RotationProgress } from './ports/rotation-desk.ts';
import type { KeptStanding } from './ports/standing-store.ts';
import type { VerifiedBundle } from './ports/state.ts';
import type { TunnelState } from './ports/tunnel.ts';

/** What was read from the node's own disk and kernel. */
export interface Reading extends RecipientsReading {
  node: string;
  fingerprint: string;
  /** An agent works on this state now. */
  agentRuns: boolean;
  agentVersion: string;
  /** What starts it, as a person types it; absent: the usual directory. */
  startedBy?: string;
  /** What the running agent noted last, or one that ended; undefined: nothing, or it is torn. */
  standing: KeptStanding | undefined;
  lkg: VerifiedBundle | undefined;
  accepted: VerifiedBundle | undefined;
  /** The newest root of the control plane’s keys that is trusted; 0 or absent: none yet. */
  rootVersion?: number;
  /** The release that the web server serves. */
  serving: string | undefined;
  certificates: readonly HeldCertificate[];
  /** What visitors of recently changed hostnames got, the newest change first. */
  answers: readonly VisitorAnswer[];
  /** Since when the fallback CA is used; absent: it is not. */
  caFallbackSinceMs?: number | undefined;
  /** Undefined: there is none, or it could not be read. */
  tunnel: TunnelState | undefined;
  usesTunnel: boolean;
  /** Of the last WireGuard key that was to be replaced. */
  rotation?: RotationProgress | undefined;
  allow: string;
  /** What somebody else had changed, and was put back last. */
  restored?: Restored | undefined;
  /** Packets to forwards that another packet filter of the machine dropped. */
  droppedByOthers: number;
  nowMs: number;
}

export interface Description {
  facts: Record<string, unknown>;
  lines: string[];
}

const NAMES_MAX = 5;
const HASH_SHOWN = 12;
const ANSWERS_SHOWN_MAX = 8;

export function describeNode(reading: Reading): Description {
  const { node, fingerprint, agentRuns, lkg, accepted, rootVersion, nowMs } = reading;
  const role = lkg?.config.role;
  const newest = accepted ?? lkg;
  const staleSince = newest && newest.timestampExpiresMs < nowMs ? isoSeconds(newest.timestampExpiresMs) : undefined;
  const edge = role === 'edge' ? describeEdge(reading) : undefined;
  const recipients = role === 'origin' ? undefined : describeRecipients(reading);
  const tunnels = reading.usesTunnel ? tunnelAges(lkg?.config.wireguard.peers ?? [], reading.tunnel, nowMs) : [];
  const allow = role === 'origin' ? reading.allow || 'none' : undefined;
  const dropped = reading.droppedByOthers || undefined;
  const { restored } = reading;
  // One that ended well is nothing to look at.
  const rotation = reading.rotation && reading.rotation.state !== 'done' ? reading.rotation : undefined;
  const standing = describeStanding(reading.standing, agentRuns, nowMs);
  const facts = {
    ...{ node, role, fingerprint, agentRuns, staleSince, rootVersion: rootVersion || undefined },
    ...standing.facts,
    lastKnownGood: lkg && { hash: lkg.configHash, version: lkg.version },
    accepted: accepted && { hash: accepted.configHash, version: accepted.version },
    ...edge?.facts,
    ...recipients?.facts,
    ...{ tunnels, rotation, allow, restored, droppedByOthers: dropped },
  };
  const lines = [
    ...labelledLine('node', role ? `${node} (${role})` : node),
    ...labelledLine('fingerprint', fingerprint),
    ...labelledLine(
      'agent',
      agentRuns ? 'running' : `not running: start \`${reading.startedBy ?? 'kokoa-agent run'}\``,
    ),
    ...standing.lines,
    ...(rootVersion ? labelledLine('root', `version ${rootVersion}`) : []),
    ...labelledLine('last good', lkg ? shown(lkg) : 'none yet: nothing was applied'),
    ...(accepted && accepted.configHash !== lkg?.configHash
      ? labelledLine('accepted', `${shown(accepted)}, not applied`)
      : []),
    ...(staleSince
      ? labelledLine('stale', `no word from the control plane is good since ${staleSince}; serving on`)
      : []),
    ...(edge?.lines ?? []),
    ...(recipients?.lines ?? []),
    ...(rotation ? labelledLine('rotate-key', `${rotationText(rotation)}, since ${isoSeconds(rotation.sinceMs)}`) : []),
    ...(allow ? labelledLine('allows', allow) : []),
    ...(restored ? labelledLine('restored', restoredText(restored)) : []),
    ...(dropped
      ? labelledLine(
          'warning',
          `another packet filter of this machine (Docker’s?) drops what edges may reach behind it, ${dropped} packets so far: see docs/operate.md`,
        )
      : []),
    ...tunnels.flatMap(({ node: peer, handshakeAgeSeconds: age }) =>
      labelledLine('tunnel', `${peer}: ${age === null ? 'no handshake yet' : `handshake ${age} s ago`}`),
    ),
  ];
  return { facts, lines };
}

function restoredText({ at, what }: Restored): string {
  const more = what.length > NAMES_MAX ? ` and ${what.length - NAMES_MAX} more` : '';
  return `${what.slice(0, NAMES_MAX).join(', ')}${more}; at ${isoSeconds(Date.parse(at))}`;
}

function describeEdge({ lkg, serving, certificates, answers, caFallbackSinceMs, nowMs }: Reading) {
  const caFallbackSince = caFallbackSinceMs === undefined ? undefined : isoSeconds(caFallbackSinceMs);
  const routes = lkg?.chunks.flatMap((chunk) => chunk.routes) ?? [];
  const edge = lkg?.config.role === 'edge' ? lkg.config.edge : undefined;
  const others = edge && { me: lkg?.config.node ?? '', isAlone: edge.members.length < 2 };
  const held = describeCertificates(routes, certificates, nowMs, edge?.compromised, others);
  return {
    facts: { webServer: serving ?? 'not answering', ...held.facts, caFallbackSince, answers },
    lines: [
      ...labelledLine('web server', serving ? `serves release ${serving.slice(0, HASH_SHOWN)}` : 'does not answer'),
      ...held.lines,
      ...(caFallbackSince
        ? labelledLine(
            'warning',
            `acme.server refused for too long: orders go to acme.fallback since ${caFallbackSince}, for a day`,
          )
        : []),
      ...answerLines(answers),
    ],
  };
}

/** Hosts without an answer first: they are what somebody looks for. */
function answerLines(answers: readonly VisitorAnswer[]): string[] {
  const sorted = [...answers.filter(({ failure }) => failure), ...answers.filter(({ failure }) => !failure)];
  const more = sorted.length - ANSWERS_SHOWN_MAX;
  return [
    ...sorted
      .slice(0, ANSWERS_SHOWN_MAX)
      .flatMap(({ hostname, status, failure, since }) =>
        labelledLine('answer', `${hostname}: ${failure ?? status}, since ${isoSeconds(Date.parse(since))}`),
      ),
    ...(more > 0 ? labelledLine('', `and ${more} more of the last ${sorted.length} changed hosts`) : []),
  ];
}

function shown({ version, configHash }: VerifiedBundle): string {
  return `version ${version}, ${configHash.slice(0, HASH_SHOWN)}`;
}

function isoSeconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+/, '');
}
