import { startOneEdge } from './one-edge.ts';
import { startEcho } from './origins/echo-origin.ts';
import { visit } from './clients/raw-visit.ts';
import { connectHttp2 } from './clients/http2-visit.ts';
const edge = await startOneEdge();
const site = await startEcho(edge.origins.home, { name: 'site' });
const api = await startEcho(edge.origins.office, { name: 'api' });
const admin = await startEcho(edge.origins.nas, { name: 'admin' });
const host = 'parts.hoge.com';
await edge.publish({
  'routes/hoge/parts.yaml': `hostname: ${host}\norigin: home\nport: ${site.port}\npaths:
  - {prefix: /api, origin: office, port: ${api.port}}
  - {prefix: /api/admin, origin: nas, port: ${admin.port}}
  - {prefix: /admin, origin: nas, port: ${admin.port}}
  - {prefix: /cut, origin: office, port: ${api.port}, stripPrefix: true}
`});
const targets = String.raw`/api/../admin // //api ///api/x /%2e%2e/ /api/%2e%2e/admin /api%2f..%2fadmin /api%2fx /%61pi /API /api;x /admin;x/ /x\..\admin %5c /%5c /./api /api/. /..;/admin /%252e%252e/ /%252e%252e/admin /x//y /api//x * https://parts.hoge.com/api/x https://parts.hoge.com/api/../admin HTTPS://PARTS.HOGE.COM/x http://parts.hoge.com/api https://parts.hoge.com https://parts.hoge.com?x=/api https://other.hoge.com/api /api/..# /api/..#x /admin/.. /admin/..#/x /api/.# /;/admin /;x/admin /api/;/admin /admin# /x#/../admin /api/%23 /api#/admin /api/%61dmin /api/admin%2f /api?/../admin /api%3fx /api%20 /api. /api/%2fadmin /api/x/..%23 /x/..# /cut#x /cut/..#x /%2e /%2e# /%2f/api /%2fapi /api/%c0%af /apix api`.split(' ');
for (const path of targets) {
  const a = await visit(edge, { host, path }).catch((e: Error) => ({ status: e.message, headers: {} as Record<string,string>, body: '' }));
  const c = await connectHttp2(edge, { sni: host });
  const b = await c.ask({ host, path }).catch((e: Error) => ({ status: e.message, headers: {} as Record<string,string>, body: '' }));
  c.end();
  const show = (x: any) => x.headers['x-echo'] ? `${JSON.parse(x.body).origin} ${JSON.parse(x.body).url}` : x.status;
  console.log(path.padEnd(40), show(a), ' | ', show(b));
}
await edge.end(); await site.end(); await api.end(); await admin.end();
