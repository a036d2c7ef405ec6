// The rendered edge beside an nginx that was set up by hand, haproxy and caddy: the same backend, the same kind of certificate, in turn. What
// counts is the processor time that the web server itself used for a request: who asks and who answers share the machine with it.
import { execa } from 'execa';
import {
  type Contender,
  type Place,
  startBackend,
  startCaddy,
  startHaproxy,
  startNginxByHand,
} from './bench-edge-contenders.ts';
import { shakeHands } from './bench-edge-handshakes.ts';
import { backendEndpoint, DRESSED_NAME, PLAIN_NAMES, startHundredRoutes } from './bench-edge-hundred.ts';
import { measure, ROUND_SECONDS, type Row } from './bench-edge-rounds.ts';
import { cpuSeconds, familyOf } from './bench-edge-usage.ts';
import { askByWrk, CONNECTIONS } from './bench-edge-wrk.ts';
import { createPki } from './pki.ts';
import type { Run } from './run.ts';

const GOAL = '95 % of nginx by hand';
const BY_HAND = 'nginx by hand';
const BY_HAND_BARE = 'nginx by hand, few headers';
const BY_HAND_DRESSED = 'nginx by hand, the same';
const PLAIN_NAME = PLAIN_NAMES[0]!;

/** A web server that is asked. */
interface Asked {
  port: number;
  cpuSeconds: () => number;
}

interface All {
  edge: Asked;
  byHand: Asked;
  byHandBare: Asked;
  byHandDressed: Asked;
  haproxy: Asked;
  caddy: Asked;
  /** Requests that the backend has answered. */
  answered: () => Promise<number>;
  /** Of the nginx that edge and hand share. */
  version: string;
}

/** Measures and prints both tables. `nginx`: path of the program for edge, backend and what is set up by hand. */
export async function benchBeside(run: Run, nginx: string): Promise<void> {
  const all = await startAll(run, nginx);
  const titles = await otherTitles();
  await measureRequests(run, all, titles);
  await measureHandshakes(all, titles);
}

async function measureRequests(run: Run, all: All, titles: Titles): Promise<void> {
  const asking = (title: string, { port, cpuSeconds }: Asked, beside?: string, dressed = false): Row => ({
    ...{ title, ...(beside !== undefined && { beside }) },
    ask: () => {
      const visit = dressed ? { hostname: DRESSED_NAME, path: '/api/things' } : { hostname: PLAIN_NAME, path: '/' };
      return askByWrk(run.directory, { ...visit, port }, ROUND_SECONDS, { answered: all.answered, cpuSeconds });
    },
  });
  await measure(
    `requests over ${CONNECTIONS} kept TLS connections`,
    [
      asking('edge, one of 100 routes', all.edge, BY_HAND),
      asking(BY_HAND, all.byHand),
      asking(BY_HAND_BARE, all.byHandBare, BY_HAND),
      asking('edge, path with allow, limits', all.edge, BY_HAND_DRESSED, true),
      asking(BY_HAND_DRESSED, all.byHandDressed, undefined, true),
      asking(titles.haproxy, all.haproxy, BY_HAND),
      asking(titles.caddy, all.caddy, BY_HAND),
    ],
    `goal ${GOAL}, on every nginx; this is ${all.version}`,
  );
}

async function measureHandshakes(all: All, titles: Titles): Promise<void> {
  const shaking = (title: string, { port, cpuSeconds }: Asked, beside?: string, hostnames = [PLAIN_NAME]): Row => ({
    ...{ title, ...(beside !== undefined && { beside }) },
    ask: () => shakeHands({ hostnames, port }, ROUND_SECONDS, cpuSeconds),
  });
  await measure(
    'full TLS handshakes, one request each',
    [
      shaking(`edge, ${PLAIN_NAMES.length} names in turn`, all.edge, BY_HAND, PLAIN_NAMES),
      shaking(BY_HAND, all.byHand),
      shaking(titles.haproxy, all.haproxy, BY_HAND),
      shaking(titles.caddy, all.caddy, BY_HAND),
    ],
    `goal ${GOAL}, from nginx 1.27.4 on; this is ${all.version}`,
  );
}

async function startAll(run: Run, nginx: string): Promise<All> {
  const { address, port } = await backendEndpoint();
  const backend = `${address}:${port}`;
  const answered = await startBackend(run, nginx, backend);
  const pki = await createPki(run);
  const edge = await startHundredRoutes(run, nginx, pki, port);
  const { features, processes } = edge.server;
  const certificate = await pki.certificate([PLAIN_NAME]);
  const place: Place = { run, nginx, features, certificate, hostname: PLAIN_NAME, backend };
  const dressed: Place = { ...place, certificate: await pki.certificate([DRESSED_NAME]), hostname: DRESSED_NAME };
  const [byHand, byHandBare, byHandDressed, haproxy, caddy] = await Promise.all([
    startNginxByHand(place, 'whole'),
    startNginxByHand(place, 'bare'),
    startNginxByHand(dressed, 'dressed'),
    startHaproxy(place),
    startCaddy(place),
  ]);
  return {
    edge: { port: edge.port, cpuSeconds: () => cpuSeconds(processes()) },
    ...{ byHand: asked(byHand), byHandBare: asked(byHandBare), byHandDressed: asked(byHandDressed) },
    ...{ haproxy: asked(haproxy), caddy: asked(caddy) },
    answered,
    version: features.version,
  };
}

function asked({ port, proc }: Contender): Asked {
  return { port, cpuSeconds: () => cpuSeconds(familyOf(proc.pid)) };
}

interface Titles {
  haproxy: string;
  caddy: string;
}

/** As they call themselves. */
async function otherTitles(): Promise<Titles> {
  const [haproxy, caddy] = await Promise.all([execa('haproxy', ['-v']), execa('caddy', ['version'])]);
  return { haproxy: `haproxy ${versionIn(haproxy.stdout)}`, caddy: `caddy ${versionIn(caddy.stdout)}` };
}

function versionIn(printed: string): string {
  return /[0-9]+(?:\.[0-9]+)+/.exec(printed)?.[0] ?? '';
}
