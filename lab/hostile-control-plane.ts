// A control plane in wrong hands: answers every agent with one prepared bundle, whatever it is, and binds everybody.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { port: { type: 'string' }, cert: { type: 'string' }, key: { type: 'string' }, bundle: { type: 'string' } },
});
const { port = '', cert = '', key = '', bundle = '' } = values;

createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
  request.resume();
  if (request.method === 'POST') {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end('{"bound":true}');
    return;
  }
  response.writeHead(200, { 'content-type': 'application/vnd.kokoa.bundle+json', etag: '"hostile"' });
  response.end(readFileSync(bundle));
}).listen(Number(port), '127.0.0.1', () => console.log('listening on 127.0.0.1'));
