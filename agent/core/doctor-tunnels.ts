// Which tunnels carry nothing, and on which side packets are most likely lost: judged from handshakes and counters, and from how the other tunnels
// of this machine fare. Law: whoever shook hands within the last session was heard in both directions.
import { type Finding, ok } from '../../checks/finding.ts';
import { SESSION_SECONDS } from './dialling.ts';
import type { Counters } from './tunnel-health.ts';

export interface TunnelFact {
  node: string;
  /** Where this machine dials it; absent: it dials this machine. */
  endpoint?: string;
  /** Undefined: never. */
  handshakeAgeSeconds: number | undefined;
  /** When it was looked first, and some seconds later. */
  before: Counters;
  after: Counters;
  /** Dialled, and silent: whether its machine accepts TCP on 443 or 80. */
  answersByTcp?: boolean;
  /** Fresh, and a route leads there: the port of a backend, and whether anything came back. */
  service?: { port: number; answers: boolean };
}

const WANTED = 'a handshake within the last 180 s, and bytes in both directions';

/** `port`: the UDP port of this machine. */
export function judgeTunnels(tunnels: readonly TunnelFact[], port: number | undefined): Finding[] {
  const alive = tunnels.filter(isAlive).length;
  return tunnels.map((tunnel) => (isAlive(tunnel) ? judgeAlive(tunnel) : judgeSilent(tunnel, alive > 0, port)));
}

function isAlive({ handshakeAgeSeconds: age }: TunnelFact): boolean {
  return age !== undefined && age < SESSION_SECONDS;
}

function judgeAlive({ node, handshakeAgeSeconds: age, service, before, after }: TunnelFact): Finding {
  const what = `the tunnel to ${node}`;
  if (service !== undefined && !service.answers)
    return {
      ...{ level: 'warning', what, found: `handshake ${age} s ago, but nothing answers on its port ${service.port}` },
      expected: 'an answer to TCP, if only a refusal',
      todo: `on ${node}: kokoa-agent doctor; its owner's --allow list most likely keeps ${service.port} closed`,
    };
  // Its keepalives alone would have brought something long ago.
  if (after.received === 0 && before.sent > 0) return oneWay(what, `handshake ${age} s ago, and not one byte came`);
  return ok(what, `handshake ${age} s ago, ${after.sent} bytes sent, ${after.received} received`);
}

function judgeSilent(tunnel: TunnelFact, othersLive: boolean, port: number | undefined): Finding {
  const { node, endpoint, handshakeAgeSeconds: age, before, after, answersByTcp } = tunnel;
  const what = `the tunnel to ${node}`;
  const since = age === undefined ? 'no handshake yet' : `no handshake for ${age} s`;
  const hears = age === undefined ? after.received > 0 : after.received > before.received;
  const sends = age === undefined ? after.sent > 0 : after.sent > before.sent;
  const bytes = `${after.sent} bytes sent, ${after.received} received`;
  if (endpoint === undefined) return judgeAwaited({ what, node, since, bytes, hears, othersLive, port });
  const [there, udp] = [`UDP ${portOf(endpoint)}`, `${since}, ${bytes} (${endpoint})`];
  const trouble = { level: 'trouble', what, expected: WANTED } as const;
  if (hears) return { ...oneWay(what, `${since}, although packets come: ${bytes}`), todo: KEYS };
  if (!sends && after.sent === 0)
    return {
      ...trouble,
      found: `${udp}: nothing leaves this machine`,
      todo: 'see that the agent runs: kokoa-agent status',
    };
  if (answersByTcp === false)
    return {
      ...{ ...trouble, found: `${udp}; its machine does not answer by TCP either` },
      todo: `see whether ${node} runs, and whether this machine reaches the internet`,
    };
  return {
    ...{ ...trouble, found: `one-way: ${udp}` },
    todo: othersLive
      ? `most likely ${node}’s side drops it, since other tunnels work from here: let ${there} in at its firewall and provider`
      : `most likely this side drops it, since no tunnel works from here: let ${there} out (router, firewall, provider)`,
  };
}

/** One that dials this machine. */
function judgeAwaited(seen: {
  what: string;
  node: string;
  since: string;
  bytes: string;
  hears: boolean;
  othersLive: boolean;
  port: number | undefined;
}): Finding {
  const { what, node, since, bytes, hears, othersLive, port } = seen;
  const udp = port === undefined ? 'UDP' : `UDP ${port}`;
  const common = { level: othersLive ? 'warning' : 'trouble', what, expected: WANTED } as const;
  if (hears)
    return {
      ...oneWay(what, `one-way: its packets come and what is sent back does not reach it: ${since}, ${bytes}`),
      todo: `let ${udp} out of this machine, also to ports that are chosen by NAT; or ${node}’s network drops the answers`,
    };
  return {
    ...{ ...common, found: `${since}, and nothing comes from it: ${bytes}` },
    todo: othersLive
      ? `most likely ${node}’s side: it is off, or its network lets no UDP out; there: kokoa-agent doctor`
      : `nothing comes from anybody: most likely ${udp} is not let in here (firewall, provider); else ${node} is off`,
  };
}

const KEYS = 'see that both ends have taken the newest configuration (kokoa-agent status): one may have another key';

function oneWay(what: string, found: string): Finding {
  return { level: 'trouble', what, found, expected: WANTED, todo: KEYS };
}

function portOf(endpoint: string): string {
  return endpoint.slice(endpoint.lastIndexOf(':') + 1);
}
