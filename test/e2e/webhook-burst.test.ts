// A storm of webhooks against a running reconciler, a process of its own: a few looks at git, no memory that grows, every delivery
// answered, and no node kept waiting behind it.
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  configOver,
  createRunningSite,
  pushDelivery,
  type RunningSite,
  WEBHOOK_SECRET,
} from '../../reconciler/running-site.fixture.ts';
import { route } from '../../reconciler/site.fixture.ts';

const MAIN = fileURLToPath(new URL('../../reconciler/main.ts', import.meta.url));
const DELIVERIES = 10_000;
const CONNECTIONS = 20;
const ANSWER_HEAD = /^HTTP\/1\.1 (\d{3})[\s\S]*?\r\ncontent-length: (\d+)\r\n[\s\S]*?\r\n\r\n/i;
const RUNS_MAX = 3;
const GROWTH_BYTES_MAX = 128 * 1024 * 1024;
const SOON = { timeout: 30_000, interval: 50 };
/** What a git server says of a branch that is gone, and what nobody has. */
const NO_COMMIT = '0'.repeat(40);

let site: RunningSite;
let stop = async () => {};
beforeEach(async () => {
  site = await createRunningSite();
});
afterEach(async () => {
  await stop();
  await site.end();
});

interface Served {
  url: string;
  pid: number;
  fetches(): Promise<number>;
}

/** `kokoa serve` beside a git that notes what it is asked. */
async function serve(): Promise<Served> {
  const [programs, asked, secret] = ['bin', 'asked', 'secret'].map((name) => join(site.top, name)) as [
    string,
    string,
    string,
  ];
  const { stdout: git } = await execa('which', ['git']);
  await mkdir(programs);
  await writeFile(join(programs, 'git'), `#!/bin/sh\necho " $* " >> ${asked}\nexec ${git} "$@"\n`);
  await chmod(join(programs, 'git'), 0o755);
  await writeFile(secret, WEBHOOK_SECRET);
  const args = ['--repository', site.repository, '--branch', 'main', '--data', site.dataDir, '--listen', '127.0.0.1:0'];
  const program = execa(
    process.execPath,
    [MAIN, 'serve', ...args, '--webhook-secret-file', secret, '--poll-seconds', '3600'],
    { env: { PATH: `${programs}:${process.env.PATH}` }, reject: false },
  );
  stop = async () => {
    program.kill('SIGTERM');
    await program;
  };
  let said = '';
  program.stdout.on('data', (data) => {
    said += data;
  });
  await expect.poll(() => said, SOON).toMatch(/^serving +(\S+)$/m);
  return {
    url: /^serving +(\S+)$/m.exec(said)![1]!,
    pid: program.pid!,
    fetches: async () => (await readFile(asked, 'utf8')).split('\n').filter((line) => line.includes(' fetch ')).length,
  };
}

async function runs({ url }: Served): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return [...text.matchAll(/^kokoa_reconciles_total\{.*\} (\d+)$/gm)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  );
}

async function residentBytes({ pid }: Served): Promise<number> {
  return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))![1]);
}

/** As bytes, so that thousands cost this side little. */
function requestBytes({ body, headers }: ReturnType<typeof pushDelivery>): string {
  const lines = Object.entries({ host: '127.0.0.1', ...headers, 'content-length': String(Buffer.byteLength(body)) });
  return `POST /webhooks/github HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`;
}

/** Sends them over one connection, each when the one before it is answered, as a git server does. */
async function deliverAll(
  port: number,
  requests: readonly string[],
  answered: (status: number) => void,
): Promise<void> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1');
  let next = 0;
  let unread = '';
  const send = () => socket.write(requests[next++]!);
  send();
  for await (const chunk of socket) {
    unread += chunk;
    const [head, status, bytes] = ANSWER_HEAD.exec(unread) ?? [];
    if (head === undefined || unread.length < head.length + Number(bytes)) continue;
    unread = '';
    answered(Number(status));
    if (next === requests.length) break;
    send();
  }
  socket.destroy();
}

it('10 000 signed pushes in a burst are three runs at most, and a node is answered among them', {
  timeout: 120_000,
}, async () => {
  const served = await serve();
  const url = { ...served, fingerprint: '', development: true, stop, ended: Promise.resolve() };
  const config = () => configOver(url, site.tokens.e1.token);
  await expect.poll(config, SOON).toMatchObject({ 'app.hoge.com': '10.100.1.1:8080' });
  const older = await site.git('rev-parse', 'HEAD');
  const newest = await site.commit({ 'routes/hoge/b.yaml': route('b.hoge.com') });
  // The same, older ones, some of nobody knows what, and some of a branch that is gone.
  const bytes = [newest, newest, older, 'a'.repeat(40), NO_COMMIT].map((after, n) =>
    requestBytes(pushDelivery(after, `d${n}`)),
  );
  const before = [await runs(served), await served.fetches(), await residentBytes(served)] as const;

  const statuses = new Map<number, number>();
  const asked: Promise<{ at: number; routes: number | Record<string, string> }>[] = [];
  let answered = 0;
  const count = (status: number) => {
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    answered += 1;
    if (answered % (DELIVERIES / 5) === 1) asked.push(config().then((routes) => ({ routes, at: answered })));
  };
  const requests = Array.from({ length: DELIVERIES / CONNECTIONS }, (_, n) => bytes[n % bytes.length]!);
  const port = Number(new URL(served.url).port);
  await Promise.all(Array.from({ length: CONNECTIONS }, () => deliverAll(port, requests, count)));
  const told = await Promise.all(asked);

  expect([...statuses].every(([status]) => status >= 200 && status < 300)).toBe(true);
  expect(answered).toBe(DELIVERIES);
  expect((await runs(served)) - before[0]).toBeLessThanOrEqual(RUNS_MAX);
  expect((await served.fetches()) - before[1]).toBeLessThanOrEqual(RUNS_MAX);
  expect((await residentBytes(served)) - before[2]).toBeLessThan(GROWTH_BYTES_MAX);
  expect(told.map(({ routes }) => typeof routes)).toEqual(new Array(5).fill('object'));
  // Answered while others were still on their way, and the storm did not keep the commit back.
  expect(told[0]!.at).toBeLessThan(DELIVERIES);
  expect(told.at(-1)!.routes).toHaveProperty(['b.hoge.com']);
});
