// Opens the port. Law: plain HTTP only where nobody else can listen in, development keys never beyond this machine, and no client can
// hold a connection without sending.
import { readFile, stat } from 'node:fs/promises';
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createSecureContext } from 'node:tls';
import { KokoaError } from '../../bundle/error.ts';
import type { Log } from '../adapters/log.ts';
import { isLoopback } from './loopback.ts';

export interface ListenOptions {
  host: string;
  /** 0: any free one. */
  port: number;
  /** PEM files, read again when they change. */
  tls?: TlsFiles;
  /** Plain HTTP on any address, because a proxy in front terminates TLS. */
  behindProxy?: boolean;
  /** The signing keys are a development set. */
  development: boolean;
  log: Log;
}

interface TlsFiles {
  certFile: string;
  keyFile: string;
}

export interface Listening {
  url: string;
  port: number;
  /** Takes no new connection, lets answers under way finish, then cuts what is left. */
  close(): Promise<void>;
}

const HEADER_BYTES_MAX = 16 * 1024;
const HEADERS_MS_MAX = 10_000;
/** Headers and body together; the answer may take as long as a long poll waits. */
const REQUEST_MS_MAX = 30_000;
/** Longer than the pause between two polls of an agent. */
const KEEP_ALIVE_MS = 75_000;
const CHECK_EVERY_MS = 1000;
/** A connection on which nothing moves is cut, one that waits in a long poll (55 s) is not. */
const SILENCE_MS_MAX = 120_000;
const CONNECTIONS_MAX = 20_000;
const CLOSE_MS_MAX = 3000;
const CLOSE_IDLE_EVERY_MS = 20;
const RELOAD_EVERY_MS = 5000;

/** @throws KokoaError insecure_listen, tls_unusable, listen_failed */
export async function listen(app: RequestListener, options: ListenOptions): Promise<Listening> {
  refuseInsecure(options);
  const limits: ServerOptions = {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: HEADERS_MS_MAX,
    requestTimeout: REQUEST_MS_MAX,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: CHECK_EVERY_MS,
    noDelay: true,
  };
  const server = options.tls
    ? createTlsServer(
        { ...limits, ...(await readPair(options.tls)), minVersion: 'TLSv1.2', handshakeTimeout: HEADERS_MS_MAX },
        app,
      )
    : createServer(limits, app);
  server.maxConnections = CONNECTIONS_MAX;
  server.setTimeout(SILENCE_MS_MAX);
  const reloading =
    options.tls && reloadOnChange(server as TlsServer, options.tls, await stampOf(options.tls), options.log);
  await opened(server, options);
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `${options.tls ? 'https' : 'http'}://${host}:${port}`,
    port,
    async close() {
      clearInterval(reloading);
      const cut = setTimeout(() => server.closeAllConnections(), CLOSE_MS_MAX);
      // An answer that was under way leaves a connection that is idle only later.
      const idle = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_EVERY_MS);
      await new Promise((resolve) => server.close(resolve));
      clearTimeout(cut);
      clearInterval(idle);
    },
  };
}

function refuseInsecure({ host, tls, behindProxy, development }: ListenOptions): void {
  if (isLoopback(host)) return;
  if (development)
    throw new KokoaError('insecure_listen', `development keys must not be served on ${host}`, {
      hint: 'Make real keys with `kokoa keys init --production --dir DIR`, or listen on 127.0.0.1.',
    });
  if (!tls && !behindProxy)
    throw new KokoaError('insecure_listen', `plain HTTP on ${host} would show node tokens to anybody on the way`, {
      hint: 'Give --tls-cert and --tls-key, or --behind-proxy when a proxy in front terminates TLS, or listen on 127.0.0.1.',
    });
}

function opened(server: Server | TlsServer, { host, port }: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const hint = cause.code === 'EADDRINUSE' ? 'Another program has the port; choose another.' : 'Check --listen.';
      reject(new KokoaError('listen_failed', `cannot listen on ${host}:${port}: ${cause.code}`, { hint, cause }));
    });
    server.listen(port, host, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

/** Two files can never be replaced in one step: a pair that does not fit is read again later, and the old one stays. */
function reloadOnChange(server: TlsServer, files: TlsFiles, read: string, log: Log): NodeJS.Timeout {
  let inUse = read;
  let complained: string | undefined;
  const look = async () => {
    const now = await stampOf(files);
    if (now === inUse) return;
    server.setSecureContext({ ...(await readPair(files)), minVersion: 'TLSv1.2' });
    inUse = now;
    complained = undefined;
    log.info({ certFile: files.certFile }, 'the TLS certificate was read again');
  };
  return setInterval(() => {
    look().catch((error: Error) => {
      if (complained !== error.message)
        log.warn({ reason: error.message }, 'the new TLS certificate cannot be used; the old one stays');
      complained = error.message;
    });
  }, RELOAD_EVERY_MS).unref();
}

async function stampOf({ certFile, keyFile }: TlsFiles): Promise<string> {
  const both = await Promise.all([stat(certFile), stat(keyFile)]);
  return both.map(({ mtimeMs, size, ino }) => `${mtimeMs}.${size}.${ino}`).join(' ');
}

async function readPair({ certFile, keyFile }: TlsFiles) {
  try {
    const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)]);
    createSecureContext({ cert, key });
    return { cert, key };
  } catch (cause) {
    throw new KokoaError(
      'tls_unusable',
      `${certFile} and ${keyFile} are no certificate with its key: ${(cause as Error).message}`,
      {
        hint: 'Both are PEM files; the first holds the whole chain, leaf first.',
        cause,
      },
    );
  }
}
