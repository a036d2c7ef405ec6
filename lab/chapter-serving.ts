// Chapter 1: machines join, and visitors are served over verified HTTPS through either edge, and refused where they should be.
import { PUBLIC } from './addresses.ts';
import { EDGES, type Fleet, ORIGINS, SLOTS } from './fleet.ts';
import type { OriginAnswer } from './origin.ts';
import type { ProbeResponse, ProbeTarget } from './probe-protocol.ts';
import { type Chapter, eventually, expect, seconds } from './story.ts';

/** An order with certbot takes a few seconds; two run at the same time. */
const FIRST_CERTIFICATE_MS = 60_000;

export const edgeAddress = (edge: (typeof EDGES)[number]): string => PUBLIC[SLOTS[edge].host].ipv4;

/** A visitor's request to one edge, verified against the CA's root. */
export async function visit(fleet: Fleet, hostname: string, edge: (typeof EDGES)[number]): Promise<ProbeTarget> {
  return { hostname, address: edgeAddress(edge), ca: await fleet.pebble.issuingRoot() };
}

/** Waits until every edge answers a hostname over verified TLS from `origin`. Answers when the last one did, ms since the epoch. */
export async function liveEverywhere(fleet: Fleet, hostname: string, origin: string, timeoutMs: number): Promise<number> {
  const expected = { status: 200, verified: true, bodyIncludes: `"name":"${origin}"` };
  const results = await Promise.all(
    EDGES.map(async (edge) => {
      const result = await fleet.client.until(await visit(fleet, hostname, edge), expected, { timeoutMs, everyMs: 20 });
      if (result.kind === 'matched') return result.at;
      throw new Error(`${hostname} through ${edge} is not live after ${seconds(timeoutMs)}: ${JSON.stringify(result.last)?.slice(0, 300)}`);
    }),
  );
  return Math.max(...results);
}

async function answered(fleet: Fleet, target: ProbeTarget): Promise<ProbeResponse> {
  const result = await fleet.client.request(target);
  expect(result.kind === 'response', `${target.hostname}: ${result.kind === 'failure' ? `${result.reason} ${result.detail}` : ''}`);
  return result;
}

export const joining: Chapter<Fleet> = [
  {
    title: 'two edges and two origins behind one NAT join, and verify their first bundle',
    async play({ agents }) {
      const joined = await Promise.all(Object.values(agents).map((agent) => agent.join()));
      joined.forEach(({ exitCode, stdout, stderr }, index) => {
        expect(exitCode === 0, `${Object.keys(agents)[index]}: exit ${exitCode}\n${stdout}\n${stderr}`);
        expect(/verified/.test(stdout), `join said: ${stdout}`);
      });
      await Promise.all(Object.values(agents).map((agent) => agent.start()));
      return undefined;
    },
  },
  {
    title: 'every origin has a tunnel to every edge',
    async play(fleet) {
      for (const origin of ORIGINS) {
        const { host } = fleet.agents[origin];
        await eventually(
          async () => {
            const { stdout } = await host.attempt('wg', ['show', host.wireguardInterface, 'latest-handshakes']);
            const fresh = stdout.split('\n').filter((line) => Number(line.split('\t')[1]) > 0);
            return fresh.length === EDGES.length ? true : undefined;
          },
          () => `${origin} has a handshake with every edge`,
          30_000,
        );
      }
      return undefined;
    },
  },
];

export const serving: Chapter<Fleet> = [
  {
    title: 'app.hoge.com and wiki.fuga.com are live over verified HTTPS through both edges, each from its own origin',
    async play(fleet) {
      await Promise.all([
        liveEverywhere(fleet, 'app.hoge.com', 'home', FIRST_CERTIFICATE_MS),
        liveEverywhere(fleet, 'wiki.fuga.com', 'office', FIRST_CERTIFICATE_MS),
      ]);
      return undefined;
    },
  },
  {
    title: 'the origin sees the visitor’s true address, whatever the visitor claims',
    async play(fleet) {
      for (const edge of EDGES) {
        const forged = { 'x-forwarded-for': '6.6.6.6', 'x-real-ip': '6.6.6.6', forwarded: 'for=6.6.6.6' };
        const { body } = await answered(fleet, { ...(await visit(fleet, 'app.hoge.com', edge)), headers: forged });
        const { forwardedFor, realIp, forwarded } = JSON.parse(body) as OriginAnswer;
        const client = PUBLIC.client.ipv4;
        expect(forwardedFor === client && realIp === client, `X-Forwarded-For ${forwardedFor}, X-Real-IP ${realIp}; expected ${client}`);
        expect(!forwarded?.includes('6.6.6.6'), `Forwarded: ${forwarded}`);
      }
      return undefined;
    },
  },
  {
    title: 'an unknown name in the handshake is refused, and so is none',
    async play(fleet) {
      for (const sni of ['stranger.example.net', '']) {
        const result = await fleet.client.request({ ...(await visit(fleet, 'app.hoge.com', 'tokyo-1')), sni });
        expect(result.kind === 'failure', `SNI ${sni || '(none)'}: found status ${result.kind === 'response' ? result.status : ''}; expected a refused handshake`);
      }
      return undefined;
    },
  },
  {
    title: 'an unknown host is 404, and a known host on another’s connection is 421',
    async play(fleet) {
      const target = await visit(fleet, 'app.hoge.com', 'tokyo-1');
      for (const [host, status] of [['stranger.example.net', 404], ['wiki.fuga.com', 421]] as const) {
        const { status: found } = await answered(fleet, { ...target, headers: { host } });
        expect(found === status, `Host: ${host} on app.hoge.com’s connection: found ${found}, expected ${status}`);
      }
      return undefined;
    },
  },
  {
    title: 'plain HTTP is redirected by 308 for a known host and is 404 for a stranger',
    async play(fleet) {
      const plain = { address: edgeAddress('osaka-1'), http: true, path: '/a?b=c' };
      const known = await answered(fleet, { ...plain, hostname: 'app.hoge.com' });
      expect(known.status === 308, `found ${known.status}, expected 308`);
      expect(known.headers.location === 'https://app.hoge.com/a?b=c', `Location: ${known.headers.location}`);
      const stranger = await answered(fleet, { ...plain, hostname: 'stranger.example.net' });
      expect(stranger.status === 404, `found ${stranger.status}, expected 404`);
      return undefined;
    },
  },
];
