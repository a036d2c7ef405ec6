// The rendered edge beside an nginx that was set up by hand, haproxy and caddy: the same backend, the same certificate, in turn. What counts
// is the processor time that the web server itself used for a request: who asks and who answers share the machine with it.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { createCertsDir } from '../agent/adapters/certs-dir.ts';
import {
  type Contender,
  type Place,
  startBackend,
  startCaddy,
  startHaproxy,
  startNginxByHand,
} from './bench-edge-contenders.ts';
import {
  announcements,
  type Files,
  type Fleet,
  fleetFiles,
  originAddress,
  originName,
  routeName,
  routePath,
} from './bench-edge-fleet.ts';
import { shakeHands } from './bench-edge-handshakes.ts';
import { cpuPerPiece, inTurn, type Measured, percent, piecesPerSecond, workRatio } from './bench-edge-ratios.ts';
import { type EdgeServer, openEdgeServer, WORKERS } from './bench-edge-server.ts';
import { tellEdge } from './bench-edge-told.ts';
import { cpuSeconds, familyOf } from './bench-edge-usage.ts';
import { askByWrk, CONNECTIONS, type Load } from './bench-edge-wrk.ts';
import { freePort, isFree } from './loopback-port.ts';
import { createPki, type Pki } from './pki.ts';
import type { Run } from './run.ts';
import { median } from './statistics.ts';

const FLEET: Fleet = { prefix: '127.19', teams: 1, origins: 1 };
const ROUTES = 100;
/** The last one says more than the others. */
const DRESSED = ROUTES - 1;
const ROUNDS = 7;
const ROUND_SECONDS = 2;
const GOAL = '95 %';
const CERTIFICATES_AT_ONCE = 4;
const PORT_TRIES_MAX = 20;
const RECIPIENT = `age1${'q'.repeat(58)}`;

interface Row {
  title: string;
  /** The row that it is compared with. */
  beside?: string;
  processes: () => number[];
  ask: () => Promise<Load>;
}

/** Measures and prints both tables. `nginx`: path of the program for edge, backend and what is set up by hand. */
export async function benchBeside(run: Run, nginx: string): Promise<void> {
  const backend = `${originAddress(FLEET.prefix, 0)}:${await backendPort()}`;
  await startBackend(run, nginx, backend);
  const pki = await createPki(run);
  const edge = await startEdge(run, nginx, pki, Number(backend.split(':')[1]));
  const [plain, dressed] = [routeName(0, 1), routeName(DRESSED, 1)];
  const certificate = await pki.certificate([plain, dressed]);
  const place: Place = { run, nginx, features: edge.server.features, certificate, hostname: plain, backend };
  const [byHand, byHandDressed, haproxy, caddy] = await Promise.all([
    startNginxByHand(place, false),
    startNginxByHand({ ...place, hostname: dressed }, true),
    startHaproxy(place),
    startCaddy(place),
  ]);
  const ours = { port: edge.port, processes: edge.server.processes };
  const theirs = ({ port, proc }: Contender) => ({ port, processes: () => familyOf(proc.pid) });
  const [haproxyTitle, caddyTitle] = await titles();

  const asking = (title: string, { port, processes }: typeof ours, hostname: string, path: string): Row => ({
    ...{ title, processes },
    ask: () => askByWrk(run.directory, { hostname, port, path }, ROUND_SECONDS),
  });
  const byHandTitle = 'nginx by hand';
  const byHandDressedTitle = 'nginx by hand, the same';
  await measure(
    `requests over ${CONNECTIONS} kept TLS connections`,
    [
      { ...asking(`edge, one of ${ROUTES} plain routes`, ours, plain, '/'), beside: byHandTitle },
      asking(byHandTitle, theirs(byHand), plain, '/'),
      { ...asking('edge, path with allow, limits', ours, dressed, '/api/things'), beside: byHandDressedTitle },
      asking(byHandDressedTitle, theirs(byHandDressed), dressed, '/api/things'),
      { ...asking(haproxyTitle, theirs(haproxy), plain, '/'), beside: byHandTitle },
      { ...asking(caddyTitle, theirs(caddy), plain, '/'), beside: byHandTitle },
    ],
    `goal ${GOAL} of nginx by hand, on every nginx; this is ${edge.server.features.version}`,
  );

  const all = Array.from({ length: ROUTES }, (_, index) => routeName(index, 1));
  const shaking = (title: string, { port, processes }: typeof ours, hostnames: readonly string[]): Row => ({
    ...{ title, processes },
    ask: () => shakeHands({ hostnames, port }, ROUND_SECONDS),
  });
  await measure(
    'full TLS handshakes, one request each',
    [
      { ...shaking(`edge, ${ROUTES} names in turn`, ours, all.slice(0, DRESSED)), beside: byHandTitle },
      shaking(byHandTitle, theirs(byHand), [plain]),
      { ...shaking(haproxyTitle, theirs(haproxy), [plain]), beside: byHandTitle },
      { ...shaking(caddyTitle, theirs(caddy), [plain]), beside: byHandTitle },
    ],
    `goal ${GOAL} of nginx by hand, from nginx 1.27.4 on; this is ${edge.server.features.version}`,
  );
}

/** One hundred routes to the backend, the last with parts and rules, each with a certificate of its own. */
async function startEdge(
  run: Run,
  nginx: string,
  pki: Pki,
  backendPort: number,
): Promise<{ server: EdgeServer; port: number }> {
  const port = await freePort();
  const listen = { addresses: ['127.0.0.1'], httpPort: await freePort(), httpsPort: port };
  const server = await openEdgeServer(run, 'edge', nginx, listen);
  const store = createCertsDir({
    dir: join(server.stateDir, 'certs'),
    ...(server.gid !== undefined && { gid: server.gid }),
  });
  const hostnames = Array.from({ length: ROUTES }, (_, index) => routeName(index, 1));
  const issue = async (hostname: string) => {
    const { certFile, keyFile } = await pki.certificate([hostname]);
    const [fullchain, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
    await store.write(hostname, { fullchain, key }, 'imported');
  };
  for (let at = 0; at < ROUTES; at += CERTIFICATES_AT_ONCE)
    await Promise.all(hostnames.slice(at, at + CERTIFICATES_AT_ONCE).map(issue));
  const given = { enrolments: announcements(FLEET, RECIPIENT), sealed: { of: () => undefined } };
  await server.publish(tellEdge({ ...fleetFiles(FLEET), ...routes(backendPort) }, given));
  return { server, port };
}

function routes(backendPort: number): Files {
  const target = `origin: ${originName(0)}\nport: ${backendPort}\n`;
  const dressed = `paths:
  - prefix: /api
    stripPrefix: true
    allow: [127.0.0.0/8]
limits:
  maxBody: 20m
  requestsPerSecond: 100000
  burst: 10000
  connections: 1000
`;
  const files = Array.from({ length: ROUTES }, (_, index) => {
    const text = `hostname: ${routeName(index, 1)}\n${target}${index === DRESSED ? dressed : ''}`;
    return [routePath(index, 1), text] as const;
  });
  return Object.fromEntries(files);
}

async function measure(what: string, rows: readonly Row[], goal: string): Promise<void> {
  const measured = new Map<Row, Measured[]>(rows.map((row) => [row, []]));
  for (const row of inTurn(rows, ROUNDS)) {
    const processes = row.processes();
    const before = cpuSeconds(processes);
    const load = await row.ask();
    measured.get(row)!.push({ ...load, cpuSeconds: cpuSeconds(processes) - before });
  }
  console.log(`\n${what} (${ROUNDS} rounds of ${ROUND_SECONDS} s, in turn; ${WORKERS.processes} workers)`);
  console.log(line('', 'per s', 'CPU each', 'work per CPU second'));
  for (const [row, rounds] of measured) {
    const theirs = rows.find(({ title }) => title === row.beside);
    console.log(
      line(
        row.title,
        median(rounds.map(piecesPerSecond)).toFixed(0),
        `${Math.round(1e6 * median(rounds.map(cpuPerPiece)))} µs`,
        theirs === undefined ? '' : percent(workRatio(rounds, measured.get(theirs)!)),
      ),
    );
  }
  console.log(`  ${goal}`);
}

function line(title: string, rate: string, each: string, ratio: string): string {
  return `  ${title.padEnd(31)}${rate.padStart(9)}${each.padStart(11)}  ${ratio}`.trimEnd();
}

/** As they call themselves. */
async function titles(): Promise<[haproxy: string, caddy: string]> {
  const [haproxy, caddy] = await Promise.all([execa('haproxy', ['-v']), execa('caddy', ['version'])]);
  return [
    `haproxy ${/[0-9]+(?:\.[0-9]+)+/.exec(haproxy.stdout)?.[0] ?? ''}`,
    `caddy ${/[0-9]+(?:\.[0-9]+)+/.exec(caddy.stdout)?.[0] ?? ''}`,
  ];
}

async function backendPort(): Promise<number> {
  for (let tries = 0; tries < PORT_TRIES_MAX; tries += 1) {
    const port = await freePort();
    if (await isFree(originAddress(FLEET.prefix, 0), port)) return port;
  }
  throw new Error(`found no free port on ${originAddress(FLEET.prefix, 0)}`);
}
