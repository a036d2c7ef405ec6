// A control plane in wrong hands: offers one agent whatever bundle stands in a file, and says what the agent made of it. Lines on its
// output: `offered NAME`, `reported {…}` (state and code of a status report), and `returned NAME` when the agent asks for something
// newer than NAME, which it does after its report.
//   node hostile-control-plane.ts --port PORT --bundle FILE [--cert FILE --key FILE]
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import type { BundleResponse, StatusReport } from '../bundle/api.ts';

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
  const [path = ''] = (request.url ?? '').split('?', 1);
  if (path.endsWith('/me/config')) return offer(request, response);
  const body = await text(request);
  if (!path.endsWith('/me/status')) {
    response.writeHead(503).end();
    return;
  }
  const { state, error } = JSON.parse(body) as StatusReport;
  console.log(`reported ${JSON.stringify({ state, code: error?.code })}`);
  // Whoever it is, it is told that all is well.
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"bound":true}');
}

async function offer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  const had = request.headers['if-none-match'];
  if (had !== undefined) console.log(`returned ${had.replaceAll('"', '')}`);
  for (;;) {
    const { name, bundle } = JSON.parse(readFileSync(file, 'utf8')) as HostileOffer;
    const etag = `"${name}"`;
    if (etag !== had) {
      console.log(`offered ${name}`);
      response.writeHead(200, { 'content-type': 'application/vnd.kokoa.bundle+json', etag });
      response.end(JSON.stringify(bundle));
      return;
    }
    if (performance.now() > deadline || response.closed) break;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  response.writeHead(304, { etag: had }).end();
}
