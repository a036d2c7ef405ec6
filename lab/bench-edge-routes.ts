// Ten thousand routes on one edge: as many that say little, and the same with many that say more. Two web servers, published to in turn.
import { age } from '../agent/adapters/age.ts';
import { announcements, dressedRoutes, type Files, type Fleet, fleetFiles, plainRoutes } from './bench-edge-fleet.ts';
import { type EdgeServer, openEdgeServer, type PublishTimes, WORKERS } from './bench-edge-server.ts';
import { type Given, type Told, tellEdge } from './bench-edge-told.ts';
import { peakWhile, proportionalBytes } from './bench-edge-usage.ts';
import { freePort } from './loopback-port.ts';
import type { Run } from './run.ts';
import { median, milliseconds, summary } from './statistics.ts';

const ROUTES = 10_000;
const FLEET: Fleet = { prefix: '10.100', teams: 100, origins: 50 };
const PUBLISHES = 7;
const GOAL = '1.5 s';
/** Nobody asks with it. */
const USERS = `bench:$2y$05$${'a'.repeat(53)}\n`;

interface Subject {
  title: string;
  server: EdgeServer;
  told: Told;
  times: PublishTimes[];
  /** Bytes. */
  after: number;
  peak: number;
}

/** Publishes both in turn and prints the table. `nginx`: path of the program. */
export async function benchRoutes(run: Run, nginx: string): Promise<void> {
  const recipient = await age.recipientOf(await age.generate());
  const sealed = await age.seal([recipient], USERS);
  const given: Given = { enrolments: announcements(FLEET, recipient), sealed: { of: () => sealed } };
  const files: Files = { ...fleetFiles(FLEET), ...plainRoutes(ROUTES, FLEET) };
  const plain = tellEdge(files, given);
  const dressed = tellEdge({ ...files, ...dressedRoutes(ROUTES, FLEET) }, given, plain);

  const subjects: Subject[] = [];
  for (const [title, told] of [['plain', plain] as const, ['dressed', dressed] as const]) {
    const listen = { addresses: ['127.0.0.1'], httpPort: await freePort(), httpsPort: await freePort() };
    const server = await openEdgeServer(run, `routes-${title}`, nginx, listen);
    await server.publish(told);
    subjects.push({ title, server, told, times: [], after: 0, peak: 0 });
  }
  for (let publish = 0; publish < PUBLISHES; publish += 1) {
    for (const { server, told, times } of subjects) times.push(await server.publish(told));
  }
  // Apart from the timed ones: looking costs time.
  for (const subject of subjects) {
    const { server, told } = subject;
    subject.peak = await peakWhile(server.processes, async () => {
      await server.publish(told);
      await server.settled();
    });
    subject.after = proportionalBytes(server.processes());
  }
  print(subjects);
}

function print(subjects: readonly Subject[]): void {
  const [{ server, told }] = subjects as [Subject];
  const routes = told.chunks.reduce((sum, chunk) => sum + chunk.routes.length, 0);
  console.log(
    `\n${routes} routes on an edge with nginx ${server.features.version}, ${WORKERS.processes} workers (${PUBLISHES} publishes each, in turn)`,
  );
  console.log('  plain: where they go. dressed: 1 000 with own paths, 200 with own limits');
  console.log(row('', 'server{}', 'render', 'guard', 'nginx -t', 'reload', 'memory', 'peak'));
  for (const subject of subjects) {
    const p50 = (step: keyof PublishTimes) => milliseconds(median(subject.times.map((times) => times[step])));
    console.log(
      row(
        subject.title,
        String(subject.server.servers()),
        p50('render'),
        p50('guard'),
        p50('test'),
        p50('reload'),
        megabytes(subject.after),
        megabytes(subject.peak),
      ),
    );
  }
  const reloads = subjects.at(-1)!.times.map(({ reload }) => reload);
  console.log(`  goal ${GOAL} for a reload; dressed ${summary(reloads)}`);
}

function row(title: string, ...cells: readonly string[]): string {
  return `  ${title.padEnd(9)}${cells.map((cell) => cell.padStart(9)).join('')}`;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
