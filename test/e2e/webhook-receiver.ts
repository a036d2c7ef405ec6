// Keeps what is posted to it: one line of JSON per request, headers and exact body.
//   node webhook-receiver.ts CERT KEY FILE
import { appendFileSync, readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { text } from 'node:stream/consumers';

const [, , certFile = '', keyFile = '', output = ''] = process.argv;
createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, async (request, response) => {
  const body = await text(request);
  appendFileSync(output, `${JSON.stringify({ url: request.url, headers: request.headers, body })}\n`);
  response.writeHead(202).end('kept\n');
}).listen(8443, () => process.stdout.write('listening\n'));
