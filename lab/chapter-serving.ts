// Chapter 2: visitors are served over verified HTTPS through either edge, and refused where they should be.
import { answered, askControl, described, liveEverywhere, visit } from './ask.ts';
import type { OriginAnswer } from './origin.ts';
import { type Chapter, expect } from './story.ts';
import { EDGES, type World } from './world.ts';

/** An order with certbot takes a few seconds; two run at the same time. */
const FIRST_CERTIFICATE_MS = 60_000;
const FORGED = '6.6.6.6';

export const serving: Chapter = [
  {
    title: 'app.hoge.com: verified HTTPS 200 through both edges, from home',
    play: (world) => live(world, 'app.hoge.com', 'home'),
  },
  {
    title: 'wiki.fuga.com: verified HTTPS 200 through both edges, from office',
    play: (world) => live(world, 'wiki.fuga.com', 'office'),
  },
  {
    title: 'the origin sees the true client address, whatever the client claims',
    async play(world) {
      const headers = { 'x-forwarded-for': FORGED, 'x-real-ip': FORGED, forwarded: `for=${FORGED}` };
      for (const edge of EDGES) {
        const { body } = await answered(world, { ...(await visit(world, 'app.hoge.com', edge)), headers });
        const { forwardedFor, realIp, forwarded } = JSON.parse(body) as OriginAnswer;
        const { visitorAddress } = world;
        const found = { 'X-Forwarded-For': forwardedFor, 'X-Real-IP': realIp, Forwarded: forwarded };
        const alone = forwardedFor === visitorAddress && realIp === visitorAddress && !forwarded?.includes(FORGED);
        expect(alone, `${visitorAddress} and nothing else, through ${edge}`, found);
      }
      return world.visitorAddress;
    },
  },
  {
    title: 'an unknown name in the TLS handshake is refused, and so is none',
    async play(world) {
      for (const edge of EDGES) {
        for (const sni of ['stranger.example.net', '']) {
          const result = await world.client.request({ ...(await visit(world, 'app.hoge.com', edge)), sni });
          const refused = result.kind === 'failure' && /SSL|TLS|EPROTO/i.test(`${result.reason} ${result.detail}`);
          expect(refused, `a refused handshake for the name “${sni}” at ${edge}`, described(result));
        }
      }
      return undefined;
    },
  },
  {
    title: 'an unknown host is answered 404',
    play: (world) => onForeignConnection(world, 'stranger.example.net', 404),
  },
  {
    title: 'a known host on another’s connection is answered 421',
    play: (world) => onForeignConnection(world, 'wiki.fuga.com', 421),
  },
  {
    title: 'plain HTTP: 308 to HTTPS for a known host, 404 for a stranger',
    async play(world) {
      for (const edge of EDGES) {
        const { address, httpPort, httpsPort } = world.doors[edge];
        const plain = { address, port: httpPort, http: true, path: '/a?b=c' };
        const known = await answered(world, { ...plain, hostname: 'app.hoge.com' });
        const location = `https://app.hoge.com${httpsPort === 443 ? '' : `:${httpsPort}`}/a?b=c`;
        const found = `${known.status} to ${known.headers.location}`;
        expect(known.status === 308 && known.headers.location === location, `308 to ${location}`, found);
        const stranger = await answered(world, { ...plain, hostname: 'stranger.example.net' });
        expect(stranger.status === 404, `404 for a stranger at ${edge}`, described(stranger));
      }
      return undefined;
    },
  },
  {
    title: 'the control plane tells routes, nodes and metrics to token holders',
    async play(world) {
      const { token } = world.agents['tokyo-1'];
      for (const [path, pattern] of [
        ['/healthz', /"ok"/],
        ['/readyz', /"ready"/],
      ] as const) {
        const answer = await askControl(world, path, undefined);
        expect(answer.status === 200 && pattern.test(answer.body), `200, ready, from ${path}`, described(answer));
      }
      for (const [path, pattern] of [
        ['/api/v1/routes', /"app\.hoge\.com"/],
        ['/api/v1/origins', /"office"/],
        ['/api/v1/edges', /"osaka-1"/],
        ['/metrics', /^# TYPE kokoa_/m],
      ] as const) {
        const answer = await askControl(world, path, token);
        expect(
          answer.status === 200 && pattern.test(answer.body),
          `200 with ${pattern} from ${path}`,
          described(answer),
        );
        const stranger = await askControl(world, path, 'garbled', 'application/json', { via: '1.1 somewhere' });
        expect(stranger.status === 401, `401 for a stranger from ${path}`, described(stranger));
      }
      return undefined;
    },
  },
];

async function live(world: World, hostname: string, origin: string): Promise<undefined> {
  await world.prepareHost(hostname);
  await liveEverywhere(world, hostname, origin, FIRST_CERTIFICATE_MS);
}

/** Asks both edges for `host` on a connection that was opened for app.hoge.com. */
async function onForeignConnection(world: World, host: string, status: number): Promise<undefined> {
  for (const edge of EDGES) {
    const answer = await answered(world, { ...(await visit(world, 'app.hoge.com', edge)), headers: { host } });
    expect(answer.status === status, `${status} for ${host} at ${edge}`, described(answer));
  }
}
