// The program on the git host: one bare repository over smart HTTPS through git's own CGI, and a push webhook after each accepted push,
// sent once and never again, as GitHub does. Everybody in the lab may push.
//   node git-http-server.ts CONFIG.json
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request as httpsRequest } from 'node:https';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { execa } from 'execa';
import { epochMs } from './clock.ts';
import { describePush, GIT_ENVIRONMENT, type Refs, readRefs, refChanges } from './git-refs.ts';
import type { Delivery, GitServerConfig } from './git-server.ts';
import { type Push, pushPayload, webhookHeaders } from './git-webhook.ts';

/** GitHub gives a receiver this long. */
const WEBHOOK_TIMEOUT_MS = 10_000;
const CGI_TIMEOUT_MS = 60_000;
const CGI_HEADER_BYTES_MAX = 16 * 1024;

const config = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as GitServerConfig;
const services = new Set(['info/refs', 'git-upload-pack', 'git-receive-pack'].map((name) => `${config.path}/${name}`));
let known: Refs = await readRefs(config.repository);
let pushing = 0;
/** One look at the refs at a time, so that two pushes are told apart. */
let looking: Promise<void> = Promise.resolve();

const tls = { cert: readFileSync(config.certFile), key: readFileSync(config.keyFile) };
createServer(tls, (request, response) => {
  serve(request, response).catch((error) => {
    console.error(error);
    response.destroy();
  });
}).listen(config.port, config.address, () => console.log(`listening on ${config.address}:${config.port}`));

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [path = '', query = ''] = (request.url ?? '').split('?', 2);
  if (!services.has(path)) {
    response.writeHead(404).end('no such repository\n');
    return;
  }
  if (!path.endsWith('/git-receive-pack')) return runBackend(request, response, path, query);
  pushing += 1;
  try {
    if (pushing === 1) await inTurn(forgetOthers);
    await runBackend(request, response, path, query);
    await inTurn(tellOfChanges);
  } finally {
    pushing -= 1;
  }
}

function inTurn(look: () => Promise<void>): Promise<void> {
  looking = looking.then(look, look);
  return looking;
}

/** What was merged since the last push is told of by who merged it. */
async function forgetOthers(): Promise<void> {
  known = await readRefs(config.repository);
}

/** RFC 3875, as git-http-backend(1) needs it. */
async function runBackend(request: IncomingMessage, response: ServerResponse, path: string, query: string) {
  const header = (name: string) => (request.headers[name] as string | undefined) ?? '';
  const child = execa('git', ['http-backend'], {
    reject: false,
    buffer: false,
    encoding: 'buffer',
    timeout: CGI_TIMEOUT_MS,
    stderr: 'inherit',
    env: {
      ...GIT_ENVIRONMENT,
      GIT_PROJECT_ROOT: dirname(config.repository),
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROTOCOL: header('git-protocol'),
      PATH_INFO: path,
      QUERY_STRING: query,
      REQUEST_METHOD: request.method ?? '',
      REMOTE_USER: 'lab',
      REMOTE_ADDR: request.socket.remoteAddress ?? '',
      CONTENT_TYPE: header('content-type'),
      HTTP_CONTENT_ENCODING: header('content-encoding'),
      ...(request.headers['content-length'] === undefined ? {} : { CONTENT_LENGTH: header('content-length') }),
    },
  });
  child.stdin.on('error', () => undefined);
  request.pipe(child.stdin);
  response.on('close', () => child.kill());
  let head = Buffer.alloc(0);
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    if (response.headersSent) {
      response.write(chunk);
      continue;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0 && head.length > CGI_HEADER_BYTES_MAX) throw new Error('git http-backend answered without a header');
    if (end < 0) continue;
    writeHead(response, head.subarray(0, end).toString('latin1'));
    response.write(head.subarray(end + 4));
  }
  await child;
  response.end();
}

function writeHead(response: ServerResponse, head: string): void {
  let status = 200;
  for (const line of head.split('\r\n')) {
    const [name = '', value = ''] = line.split(/:\s*/, 2);
    if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10);
    else response.setHeader(name, value);
  }
  response.writeHead(status);
}

async function tellOfChanges(): Promise<void> {
  const now = await readRefs(config.repository);
  const changes = refChanges(known, now);
  known = now;
  for (const change of changes) {
    const push = await describePush(config.repository, change);
    // Not awaited: a slow receiver delays no other delivery.
    void deliver(push);
  }
}

async function deliver(push: Push): Promise<void> {
  const { webhook } = config;
  if (webhook === undefined) return;
  const body = JSON.stringify(pushPayload(config, push));
  const headers = webhookHeaders('push', webhook.secret, body);
  const record = (outcome: Pick<Delivery, 'outcome' | 'status' | 'answer'>) => {
    const id = headers['x-github-delivery'] ?? '';
    const delivery: Delivery = {
      id,
      ref: push.ref,
      before: push.before,
      after: push.after,
      atMs: epochMs(),
      ...outcome,
    };
    appendFileSync(config.deliveriesFile, `${JSON.stringify(delivery)}\n`);
  };
  if (existsSync(config.loseFile)) return record({ outcome: 'lost' });
  try {
    const response = await post(webhook.url, webhook.caFile, headers, body);
    record({ outcome: 'delivered', status: response.statusCode ?? 0, answer: (await text(response)).slice(0, 1_000) });
  } catch (error) {
    record({ outcome: 'failed', answer: error instanceof Error ? error.message : String(error) });
  }
}

function post(url: string, caFile: string, headers: Record<string, string>, body: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', headers, ca: readFileSync(caFile), agent: false, timeout: WEBHOOK_TIMEOUT_MS };
    const request = httpsRequest(url, options, resolve);
    request.on('timeout', () => request.destroy(new Error(`no answer within ${WEBHOOK_TIMEOUT_MS} ms`)));
    request.on('error', reject);
    request.end(body);
  });
}
