// A real CA on loopback for tests: Pebble on high ports without its sleeps, a DNS server that says 127.0.0.1, and one
// responder that stands for every edge and answers TOKEN.thumbprint.
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { type CertificateMaker, createCertificateMaker } from './certificate-maker.ts';

const START_TIMEOUT_MS = 15_000;
const LOG_CHARACTERS_MAX = 4_000_000;

export interface LoopbackPebble {
  /** The ACME directory. */
  server: string;
  /** What an ACME client must trust to talk to it. */
  caFile: string;
  /** What the edges answer with from now on. */
  answerWith(thumbprint: string): void;
  /** Pebble's own log: how many orders it finalised. */
  issued(): number;
  /** The same: how often it looked for a proof. */
  validations(): number;
  /** Ends Pebble alone; it forgets every account. */
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

/** `dnsPort`: of a DNS server on loopback that is asked in place of one that says 127.0.0.1 to everything. */
export async function startLoopbackPebble(
  environment: Record<string, string> = {},
  dnsPort?: number,
): Promise<LoopbackPebble> {
  const folder = await mkdtemp(join(tmpdir(), 'kokoa-pebble-'));
  const pki = await createCertificateMaker('pebble API CA');
  const [api, management, dns, dnsManagement, tls] = await freePorts(5);
  let thumbprint = 'nobody';
  const responder = createServer((request, response) => {
    response.end(`${request.url?.split('/').at(-1)}.${thumbprint}`);
  }).listen(0, '127.0.0.1');
  await once(responder, 'listening');

  const configFile = join(folder, 'pebble.json');
  await writeFile(configFile, await pebbleConfig(pki, { api: api!, management: management!, tls: tls!, responder }));
  const dnsServer = program('pebble-challtestsrv', [
    ...['-dns01', `127.0.0.1:${dns}`, '-management', `127.0.0.1:${dnsManagement}`],
    ...['-http01', '', '-https01', '', '-tlsalpn01', '', '-defaultIPv4', '127.0.0.1', '-defaultIPv6', ''],
  ]);
  const env = { PEBBLE_VA_NOSLEEP: '1', PEBBLE_AUTHZREUSE: '0', PEBBLE_WFE_NONCEREJECT: '0', ...environment };
  let pebble: Program | undefined;
  let issuedBefore = 0;

  const running: LoopbackPebble = {
    server: `https://127.0.0.1:${api}/dir`,
    caFile: pki.issuerFile,
    answerWith: (wanted) => {
      thumbprint = wanted;
    },
    validations: () => (pebble?.log().match(/Pulled a task from the Tasks queue/g) ?? []).length,
    issued: () => issuedBefore + (pebble?.log().match(/Issued certificate serial/g) ?? []).length,
    async start() {
      pebble = program('pebble', ['-config', configFile, '-dnsserver', `127.0.0.1:${dnsPort ?? dns}`], env);
      await pebble.says('ACME directory available');
    },
    async stop() {
      issuedBefore = running.issued();
      await pebble?.stop();
      pebble = undefined;
    },
    async close() {
      await running.stop();
      await dnsServer.stop();
      responder.closeAllConnections();
      responder.close();
      await pki.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await running.start();
  return running;
}

interface Ports {
  api: number;
  management: number;
  tls: number;
  responder: { address(): unknown };
}

async function pebbleConfig(pki: CertificateMaker, { api, management, tls, responder }: Ports): Promise<string> {
  const { certFile, keyFile } = await pki.files({ names: ['DNS:localhost', 'IP:127.0.0.1'] });
  return JSON.stringify({
    pebble: {
      listenAddress: `127.0.0.1:${api}`,
      managementListenAddress: `127.0.0.1:${management}`,
      certificate: certFile,
      privateKey: keyFile,
      httpPort: (responder.address() as AddressInfo).port,
      tlsPort: tls,
      ocspResponderURL: '',
      externalAccountBindingRequired: false,
    },
  });
}

interface Program {
  log(): string;
  says(words: string): Promise<void>;
  stop(): Promise<void>;
}

function program(file: string, args: string[], env: Record<string, string> = {}): Program {
  let log = '';
  const child = execa(file, args, { env, stdin: 'ignore', all: true, buffer: false, reject: false });
  child.all?.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString('utf8')).slice(-LOG_CHARACTERS_MAX);
  });
  return {
    log: () => log,
    async says(words) {
      for (let waited = 0; !log.includes(words); waited += 20) {
        if (waited > START_TIMEOUT_MS) throw new Error(`${file} did not start:\n${log.slice(-2000)}`);
        await delay(20);
      }
    },
    async stop() {
      child.kill('SIGKILL');
      await child;
    },
  };
}

/** Ports that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createTcpServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}
