// haproxy as its documentation recommends it: master and worker, sockets passed on at a reload, a table of hosts, and kept connections that are
// told to go instead of being cut. It takes changes in two ways: a reload, or an update of the table at runtime.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { type Backends, backendAddress, type Move } from './bench-changes-site.ts';
import type { Census, Subject } from './bench-changes-subject.ts';
import { CIPHERS } from './bench-edge-contenders.ts';
import { WORKERS } from './bench-edge-server.ts';
import { familyOf, openFilesOf, proportionalBytes } from './bench-edge-usage.ts';
import { freePort } from './loopback-port.ts';
import { addLoopbackHost } from './namespace.ts';
import type { CertificateFiles } from './pki.ts';
import type { Proc } from './proc.ts';
import type { Run } from './run.ts';

const SERVICES = ['red', 'blue'] as const;
const RELOAD_TRIES_MAX = 5;
const RELOAD_MS = 3_000;
const LOOK_EVERY_MS = 5;

export interface OtherSite {
  readonly backends: Backends;
  readonly certificates: ReadonlyMap<string, CertificateFiles>;
  /** The next change. */
  next(): Move;
}

export async function startChangingHaproxy(run: Run, site: OtherSite, way: 'reload' | 'runtime'): Promise<Subject> {
  const host = addLoopbackHost(run, `haproxy-${way}`);
  const folder = host.directory;
  const [table, socket] = [join(folder, 'hosts.map'), join(folder, 'admin.sock')];
  const where = new Map([...site.certificates.keys()].map((hostname) => [hostname, SERVICES[0] as string]));
  const port = await freePort();
  writePairs(join(folder, 'pairs'), site.certificates);
  writeTable();
  const conf = join(folder, 'haproxy.cfg');
  writeFileSync(conf, configuration({ port, folder, table, socket, ports: site.backends.ports }));
  const proc = host.start('haproxy', 'haproxy', ['-W', '-db', '-f', conf]);
  await proc.listening(port);

  let move: Move | undefined;

  function writeTable(): void {
    writeFileSync(table, [...where].map(([hostname, service]) => `${hostname} ${service}\n`).join(''));
  }

  return {
    ...{ title: `haproxy, ${way === 'reload' ? 'reload' : 'update of a map'}`, port, keepsIdle: true },

    prepare() {
      move = site.next();
      where.set(move.hostname, SERVICES[move.backend]);
      return move;
    },
    async apply() {
      writeTable();
      if (way === 'reload') await reload(proc);
      else if (move) await command(socket, `set map ${table} ${move.hostname} ${SERVICES[move.backend]}`);
      return {};
    },

    end: () => proc.stop(),
    async census(): Promise<Census> {
      const family = familyOf(proc.pid);
      // The master, the newest worker, and what is left of those before.
      const oldWorkers = Math.max(0, family.length - 2);
      return { memory: proportionalBytes(family), workers: 1, oldWorkers, openFiles: openFilesOf(family) };
    },
  };
}

/** A signal that comes while the master still reloads is lost, so it is repeated until another worker was started. */
async function reload(proc: Proc): Promise<void> {
  const before = loadings(proc);
  for (let tries = 0; tries < RELOAD_TRIES_MAX; tries += 1) {
    proc.signal('SIGUSR2');
    const deadline = performance.now() + RELOAD_MS;
    while (performance.now() < deadline) {
      if (loadings(proc) > before) return;
      await delay(LOOK_EVERY_MS);
    }
  }
  throw new Error(`haproxy does not reload:\n${proc.tail()}`);
}

function loadings(proc: Proc): number {
  return proc.log().match(/Loading success/g)?.length ?? 0;
}

/** haproxy reads one file with chain and key for each certificate. */
function writePairs(folder: string, certificates: ReadonlyMap<string, CertificateFiles>): void {
  mkdirSync(folder, { recursive: true });
  for (const [hostname, { certFile, keyFile }] of certificates) {
    const pair = readFileSync(certFile, 'utf8') + readFileSync(keyFile, 'utf8');
    writeFileSync(join(folder, `${hostname}.pem`), pair, { mode: 0o600 });
  }
}

interface Configured {
  port: number;
  folder: string;
  table: string;
  socket: string;
  ports: readonly [number, number];
}

function configuration({ port, folder, table, socket, ports }: Configured): string {
  const backends = SERVICES.map(
    (service, index) => `backend ${service}
    http-reuse always
    server one ${backendAddress}:${ports[index]}
`,
  );
  return `global
    nbthread ${WORKERS.processes}
    maxconn ${WORKERS.connections}
    stats socket ${socket} mode 600 level admin expose-fd listeners
    ssl-default-bind-ciphers ${CIPHERS}
    ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets prefer-client-ciphers
defaults
    mode http
    option forwardfor
    option idle-close-on-response
    timeout connect 1s
    timeout client 75s
    timeout server 3600s
    timeout tunnel 3600s
frontend visitors
    bind 127.0.0.1:${port} ssl crt ${folder}/pairs alpn h2,http/1.1
    http-request set-header X-Forwarded-Proto https
    use_backend %[req.hdr(host),field(1,:),lower,map(${table})]
${backends.join('')}`;
}

/** @throws Error with what haproxy said instead of nothing */
async function command(path: string, line: string): Promise<void> {
  const socket = createConnection(path);
  socket.write(`${line}\n`);
  const said = (await text(socket)).trim();
  if (said !== '') throw new Error(`haproxy: ${line}: ${said}`);
}
