// A control plane in wrong hands: offers one agent whatever bundle stands in a file, and repeats what the agent reports. Lines on its
// output: `offered NAME`, and `reported {…}` with state and code of each status report. In everything else it behaves, so that the
// agent has no reason to ask elsewhere.
//   node hostile-control-plane.ts --port PORT --bundle FILE [--cert FILE --key FILE]
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { BUNDLE_MEDIA_TYPE, type BundleResponse, PUBLIC_ROOT_PATH, type StatusReport } from '../bundle/api.ts';

/** What the file holds. */
export interface HostileOffer {
  name: string;
  bundle: BundleResponse;
}

const WAIT_MS = 50_000;
const LOOK_EVERY_MS = 20;

const { values } = parseArgs({
  options: { port: { type: 'string' }, bundle: { type: 'string' }, cert: { type: 'string' }, key: { type: 'string' } },
});
const { port = '', bundle: file = '', cert, key } = values;
const server =
  cert === undefined || key === undefined
    ? createServer(answer)
    : createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }, answer);
server.listen(Number(port), '127.0.0.1', () => console.log('listening on 127.0.0.1'));

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://hostile');
  if (url.pathname.endsWith('/me/config')) return offer(request, response);
  if (url.pathname === PUBLIC_ROOT_PATH) return showRoot(response);
  const body = await text(request);
  if (url.pathname.endsWith('/me/relay')) {
    // Silence, and then no news.
    await new Promise((resolve) => setTimeout(resolve, 1_000 * Number(url.searchParams.get('wait') ?? 0)).unref());
    return json(response, { sequence: Number(url.searchParams.get('since') ?? 0), certificates: [] });
  }
  if (!url.pathname.endsWith('/me/status'))
    return json(response, { granted: false, reason: 'no', retryAfterMs: WAIT_MS });
  const { state, error } = JSON.parse(body) as StatusReport;
  console.log(`reported ${JSON.stringify({ state, code: error?.code })}`);
  // Whoever it is, it is told that all is well.
  json(response, { bound: true });
}

/** The newest offer that was put off once. */
let putOff = '';

async function offer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  const had = request.headers['if-none-match'];
  for (;;) {
    const { name, bundle } = JSON.parse(readFileSync(file, 'utf8')) as HostileOffer;
    const etag = `"${name}"`;
    if (etag !== had && had !== undefined && putOff !== name) {
      // An agent that is offered nothing usable twice in a row asks only once a second; one that was sent away asks again at once.
      putOff = name;
      response.writeHead(403, { 'content-type': 'application/json' }).end('{"error":"suspended","message":"wait"}');
      return;
    }
    if (etag !== had) {
      console.log(`offered ${name}`);
      response.writeHead(200, { 'content-type': BUNDLE_MEDIA_TYPE, etag }).end(JSON.stringify(bundle));
      return;
    }
    if (performance.now() > deadline || response.closed) break;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  response.writeHead(304, { etag: had }).end();
}

function showRoot(response: ServerResponse): void {
  const { bundle } = JSON.parse(readFileSync(file, 'utf8')) as HostileOffer;
  response.writeHead(200, { 'content-type': 'application/json' }).end(bundle.files['1.root.json']);
}

function json(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
