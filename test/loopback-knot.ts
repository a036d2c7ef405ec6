// A real DNS server on loopback for tests: knot with zones of its own, which takes updates signed with one TSIG key.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';

const START_TIMEOUT_MS = 15_000;

export interface LoopbackKnot {
  port: number;
  /** As an operator has it: what tsig-keygen would print. */
  keyText: string;
  key: { name: string; algorithm: string; secret: string };
  /** Tells the server's own control program, which needs no DNS: what it prints for all of it. One that fails does not stop the others. */
  control(commands: readonly (readonly string[])[]): Promise<string>;
  close(): Promise<void>;
}

/** `zones`: name → lines of its zone file below SOA and NS. `acl`: what the key may do, as lines of knot.conf. */
export async function startLoopbackKnot(
  zones: Record<string, string[]>,
  { acl = ['action: update'] }: { acl?: readonly string[] } = {},
): Promise<LoopbackKnot> {
  const folder = await mkdtemp(join(tmpdir(), 'kokoa-knot-'));
  await mkdir(join(folder, 'db'));
  const key = { name: 'kokoa', algorithm: 'hmac-sha256', secret: randomBytes(32).toString('base64') };
  const port = await freePort();
  for (const [zone, lines] of Object.entries(zones)) {
    const head = ['$TTL 30', '@ SOA ns admin 1 3600 900 86400 30', '@ NS ns', 'ns A 127.0.0.1'];
    await writeFile(join(folder, `${zone}.zone`), `${[`$ORIGIN ${zone}.`, ...head, ...lines].join('\n')}\n`);
  }
  const config = {
    server: [`    listen: 127.0.0.1@${port}`, `    rundir: ${folder}`],
    log: ['  - target: stderr', '    any: info'],
    database: [`    storage: ${join(folder, 'db')}`],
    key: [`  - id: ${key.name}`, `    algorithm: ${key.algorithm}`, `    secret: ${key.secret}`],
    acl: ['  - id: update', `    key: ${key.name}`, ...acl.map((line) => `    ${line}`)],
    zone: Object.keys(zones).flatMap((zone) => [
      `  - domain: ${zone}`,
      `    file: ${join(folder, `${zone}.zone`)}`,
      '    acl: update',
      '    zonefile-sync: -1',
    ]),
  };
  const configFile = join(folder, 'knot.conf');
  const text = Object.entries(config).map(([section, lines]) => [`${section}:`, ...lines].join('\n'));
  await writeFile(configFile, `${text.join('\n')}\n`, { mode: 0o600 });

  let log = '';
  const child = execa('knotd', ['-c', configFile], { stdin: 'ignore', all: true, buffer: false, reject: false });
  child.all?.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString('utf8')).slice(-100_000);
  });
  for (let waited = 0; !log.includes('server started'); waited += 20) {
    if (waited > START_TIMEOUT_MS) throw new Error(`knotd did not start:\n${log.slice(-2000)}`);
    await delay(20);
  }
  const { name, algorithm, secret } = key;
  return {
    port,
    key,
    keyText: `key "${name}" {\n\talgorithm ${algorithm};\n\tsecret "${secret}";\n};\n`,
    async control(commands) {
      const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(' ');
      const input = [...commands.map(quoted), 'exit', ''].join('\n');
      return (await execa('knotc', ['-c', configFile], { input })).stdout;
    },
    async close() {
      child.kill('SIGKILL');
      await child;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}
