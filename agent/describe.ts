// What `kokoa-agent status` says: facts as data, and the same facts as lines for a person at 80 columns.

import type { VisitorAnswer } from '../bundle/api.ts';
import { tunnelAges } from './core/status-report.ts';
import type { HeldCertificate } from './ports/certificate-store.ts';
import type { VerifiedBundle } from './ports/state.ts';
import type { TunnelState } from './ports/tunnel.ts';

/** What was read from the node's own disk and kernel. */
export interface Reading {
  node: string;
  fingerprint: string;
  /** An agent works on this state now. */
  agentRuns: boolean;
  lkg: VerifiedBundle | undefined;
  accepted: VerifiedBundle | undefined;
  /** The release that the web server serves. */
  serving: string | undefined;
  certificates: readonly HeldCertificate[];
  /** What visitors of recently changed hostnames got, the newest change first. */
  answers: readonly VisitorAnswer[];
  /** Undefined: there is none, or it could not be read. */
  tunnel: TunnelState | undefined;
  usesTunnel: boolean;
  allow: string;
  /** Packets to forwards that another packet filter of the machine dropped. */
  droppedByOthers: number;
  nowMs: number;
}

export interface Description {
  facts: Record<string, unknown>;
  lines: string[];
}

const COLUMNS = 80;
const LABEL_COLUMNS = 14;
const NAMES_MAX = 5;
const HASH_SHOWN = 12;
const ANSWERS_SHOWN_MAX = 8;

export function describeNode(reading: Reading): Description {
  const { node, fingerprint, agentRuns, lkg, accepted, nowMs } = reading;
  const role = lkg?.config.role;
  const newest = accepted ?? lkg;
  const staleSince = newest && newest.timestampExpiresMs < nowMs ? isoSeconds(newest.timestampExpiresMs) : undefined;
  const edge = role === 'edge' ? describeEdge(reading) : undefined;
  const tunnels = reading.usesTunnel ? tunnelAges(lkg?.config.wireguard.peers ?? [], reading.tunnel, nowMs) : [];
  const allow = role === 'origin' ? reading.allow || 'none' : undefined;
  const dropped = reading.droppedByOthers || undefined;
  const facts = {
    ...{ node, role, fingerprint, agentRuns, staleSince },
    lastKnownGood: lkg && { hash: lkg.configHash, version: lkg.version },
    accepted: accepted && { hash: accepted.configHash, version: accepted.version },
    ...edge?.facts,
    ...{ tunnels, allow, droppedByOthers: dropped },
  };
  const lines = [
    ...line('node', role ? `${node} (${role})` : node),
    ...line('fingerprint', fingerprint),
    ...line('agent', agentRuns ? 'running' : 'not running: start `kokoa-agent run`'),
    ...line('last good', lkg ? shown(lkg) : 'none yet: nothing was applied'),
    ...(accepted && accepted.configHash !== lkg?.configHash ? line('accepted', `${shown(accepted)}, not applied`) : []),
    ...(staleSince ? line('stale', `no word from the control plane is good since ${staleSince}; serving on`) : []),
    ...(edge?.lines ?? []),
    ...(allow ? line('allows', allow) : []),
    ...(dropped
      ? line(
          'warning',
          `another packet filter of this machine (Docker’s?) drops what edges may reach behind it, ${dropped} packets so far: see docs/operate.md`,
        )
      : []),
    ...tunnels.flatMap(({ node: peer, handshakeAgeSeconds: age }) =>
      line('tunnel', `${peer}: ${age === null ? 'no handshake yet' : `handshake ${age} s ago`}`),
    ),
  ];
  return { facts, lines };
}

function describeEdge({ lkg, serving, certificates, answers, nowMs }: Reading) {
  const hosts = lkg?.chunks.flatMap(({ routes }) => routes.map(({ hostname }) => hostname)) ?? [];
  const good = new Set(certificates.filter(({ notAfter }) => notAfter > nowMs).map(({ hostname }) => hostname));
  const without = hosts.filter((hostname) => !good.has(hostname));
  const more = without.length > NAMES_MAX ? ` and ${without.length - NAMES_MAX} more` : '';
  return {
    facts: { webServer: serving ?? 'not answering', hosts: hosts.length, hostsWithoutCertificate: without, answers },
    lines: [
      ...line('web server', serving ? `serves release ${serving.slice(0, HASH_SHOWN)}` : 'does not answer'),
      ...line('hosts', `${hosts.length}, ${hosts.length - without.length} with a certificate`),
      ...(without.length > 0
        ? line('waiting', `no certificate yet: ${without.slice(0, NAMES_MAX).join(', ')}${more}`)
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
        line('answer', `${hostname}: ${failure ?? status}, since ${isoSeconds(Date.parse(since))}`),
      ),
    ...(more > 0 ? line('', `and ${more} more of the last ${sorted.length} changed hosts`) : []),
  ];
}

function shown({ version, configHash }: VerifiedBundle): string {
  return `version ${version}, ${configHash.slice(0, HASH_SHOWN)}`;
}

/** A label and what it says, broken after spaces and commas, or anywhere where there is neither. */
function line(label: string, text: string): string[] {
  const lines: string[] = [];
  const width = COLUMNS - LABEL_COLUMNS;
  for (let rest = text; rest !== ''; ) {
    const fits =
      rest.length <= width ? rest.length : Math.max(rest.lastIndexOf(' ', width), rest.lastIndexOf(',', width - 1) + 1);
    const end = fits > 0 ? fits : width;
    lines.push(`${(lines.length === 0 ? label : '').padEnd(LABEL_COLUMNS)}${rest.slice(0, end).trimEnd()}`);
    rest = rest.slice(end).trimStart();
  }
  return lines;
}

function isoSeconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+/, '');
}
