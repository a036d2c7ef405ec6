// An ACME server (RFC 8555, and RFC 9773 for renewals) for tests: real HTTPS, real signatures, real certificates; the clock, the lifetimes,
// what validation finds and everything that goes wrong are the test's. certbot-hostile.slow.test.ts holds it against Pebble.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createCertificateMaker } from '../certificate-maker.ts';
import {
  type Answer,
  type CertificateFault,
  type Fault,
  problem,
  type RequestKind,
  refusalOf,
  send,
} from './acme-server-faults.ts';
import { createIssuer, type Issued } from './acme-server-issuer.ts';
import { createDoor } from './acme-server-jws.ts';
import { createOrderBook, type Validation } from './acme-server-orders.ts';
import { answer, type Site } from './acme-server-resources.ts';

const BODY_BYTES_MAX = 256 * 1024;
const LIFETIME_MS = 90 * 86_400_000;

export interface AcmeTestServer {
  /** The URL of the directory. */
  readonly server: string;
  /** What a client must trust to talk to it. */
  readonly caFile: string;
  /** Every request, in the order they came, also those that were refused. */
  readonly requests: readonly RequestKind[];
  /** Names, sorted and joined by a comma, each time an order of them was finalised. */
  readonly finalised: readonly string[];
  /** A name each time it was looked for in vain. */
  readonly failedValidations: readonly string[];
  /** What was issued, oldest first. */
  issued(): Issued[];
  /** From now on; `nth`: of this kind since this call, from 1. */
  misbehave(fault?: (kind: RequestKind, nth: number) => Fault | undefined): void;
  /** Of what is finalised from now on. */
  misissue(fault?: CertificateFault): void;
  /** What it says about renewals from now on; before: nothing of any. */
  suggest(suggestion: Site['suggestion'], retryAfter?: string): void;
  /** `renewalInfo` of the directory from now on; '': it has none; undefined: where it is. */
  nameRenewalInfo(at: string | undefined): void;
  close(): Promise<void>;
}

interface AcmeServerOptions {
  validate(validation: Validation): boolean | Promise<boolean>;
  /** ms since the epoch. */
  now?(): number;
  lifetimeMs?: number;
}

export async function startAcmeServer(options: AcmeServerOptions): Promise<AcmeTestServer> {
  const { validate, now = Date.now, lifetimeMs = LIFETIME_MS } = options;
  const [pki, issuer] = await Promise.all([createCertificateMaker('ACME API CA'), createIssuer()]);
  const requests: RequestKind[] = [];
  let counts = new Map<RequestKind, number>();
  let misbehaviour: ((kind: RequestKind, nth: number) => Fault | undefined) | undefined;
  let certificateFault: CertificateFault | undefined;
  const book = createOrderBook({ issuer, now, validate, lifetimeMs, certificateFault: () => certificateFault });
  const site: Site = {
    ...{ at: '', door: createDoor(), book, accounts: new Map(), renewalInfoAt: undefined },
    suggestion: () => undefined,
    suggestionRetryAfter: undefined,
  };

  const { certFile, keyFile } = await pki.files({ names: ['DNS:localhost', 'IP:127.0.0.1'] });
  const tls = { cert: await readFile(certFile), key: await readFile(keyFile) };
  const listener = createServer(tls, async (request, response) => {
    const [, path = '', id = ''] = (request.url ?? '').split('/');
    const kind = path as RequestKind;
    requests.push(kind);
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    const fault = misbehaviour?.(kind, counts.get(kind)!);
    if (fault?.kind === 'hang') return;
    const { status, headers, body } = refusalOf(fault) ?? (await rightAnswer(site, kind, id, request));
    const always = { 'Replay-Nonce': site.door.nonce(), Date: new Date(now()).toUTCString() };
    send(response, { status, headers: { ...always, ...headers }, body }, fault);
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  site.at = `https://127.0.0.1:${(listener.address() as AddressInfo).port}`;

  return {
    server: `${site.at}/directory`,
    caFile: pki.issuerFile,
    requests,
    finalised: book.finalised,
    failedValidations: book.failedValidations,
    issued: book.issued,
    misbehave(fault) {
      counts = new Map();
      misbehaviour = fault;
    },
    misissue: (fault) => {
      certificateFault = fault;
    },
    suggest: (suggestion, retryAfter) => Object.assign(site, { suggestion, suggestionRetryAfter: retryAfter }),
    nameRenewalInfo: (at) => {
      site.renewalInfoAt = at;
    },
    async close() {
      listener.closeAllConnections();
      listener.close();
      await Promise.all([pki.close(), issuer.close()]);
    },
  };
}

async function rightAnswer(site: Site, kind: RequestKind, id: string, request: IncomingMessage): Promise<Answer> {
  let body = '';
  for await (const part of request) {
    body += part;
    if (body.length > BODY_BYTES_MAX) return problem('malformed', 'too large', 413);
  }
  return answer(site, request.method ?? '', kind, id, body).catch((error: unknown) =>
    problem('serverInternal', String(error), 500),
  );
}
