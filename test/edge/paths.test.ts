// Parts of a site: which backend a path goes to, and how the path arrives there. Odd spellings are in odd-paths.test.ts.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seenBy, visit } from './clients/raw-visit.ts';
import { VISITS } from './clients/visits.ts';
import { type OneEdge, startOneEdge } from './one-edge.ts';
import { type EchoOrigin, startEcho, startH2cEcho, startTlsEcho } from './origins/echo-origin.ts';

const host = 'parts.hoge.com';

let edge: OneEdge;
const open: EchoOrigin[] = [];

beforeAll(async () => {
  edge = await startOneEdge();
  const { home, office, nas } = edge.origins;
  const [site, api, admin, deep, second] = await Promise.all([
    startEcho(home, { name: 'site' }),
    startEcho(office, { name: 'api' }),
    startEcho(nas, { name: 'admin' }),
    startEcho(office, { name: 'deep' }),
    startEcho(office, { name: 'second' }),
  ]);
  const secure = await startTlsEcho(office, await edge.pki.certificate(['secure.hoge.com']), { name: 'secure' });
  const h2c = await startH2cEcho(nas, { name: 'h2c' });
  open.push(site, api, admin, deep, second, secure, h2c);
  const https = `origin: office, port: ${secure.port}, protocol: https, originTls: {verify: none}`;
  await edge.publish({
    'routes/hoge/parts.yaml': `hostname: ${host}
origin: home
port: ${site.port}
paths:
  - {prefix: /api, origin: office, port: ${api.port}}
  - {prefix: /api/admin, origin: nas, port: ${admin.port}}
  - {prefix: /api/admin/a/b/c/d, origin: office, port: ${deep.port}}
  - {prefix: /x/y, origin: office, port: ${second.port}}
  - {prefix: /cut, origin: office, port: ${api.port}, stripPrefix: true}
  - {prefix: /cut/more, origin: nas, port: ${admin.port}, stripPrefix: true}
  - {prefix: /here, stripPrefix: true}
  - {prefix: /secure, ${https}}
  - {prefix: /secure-cut, ${https}, stripPrefix: true}
  - {prefix: /h2c, origin: nas, port: ${h2c.port}, protocol: h2c}
`,
    'routes/hoge/wild.yaml': `hostname: '*.w.hoge.com'
origin: home
port: ${site.port}
paths:
  - {prefix: /api, origin: office, port: ${api.port}}
  - {prefix: /cut, stripPrefix: true}
`,
    'routes/hoge/own.yaml': `hostname: own.w.hoge.com\norigin: nas\nport: ${admin.port}\n`,
    'routes/hoge/over.yaml': `hostname: over.hoge.com
origin: nas
port: ${h2c.port}
protocol: h2c
paths:
  - {prefix: /plain, origin: home, port: ${site.port}, stripPrefix: true}
  - {prefix: /same, deny: [192.0.2.1]}
`,
  });
});
afterAll(async () => {
  await edge?.end();
  await Promise.all(open.map((origin) => origin.end()));
});

describe.each(VISITS)('over %s', (_protocol, ask) => {
  test.each([
    ['/', 'site'],
    ['/apix', 'site'],
    ['/api-old/admin', 'site'],
    ['/x', 'site'],
    ['/x/yy', 'site'],
    ['/?x=/api', 'site'],
    ['/api', 'api'],
    ['/api/', 'api'],
    ['/api?/admin', 'api'],
    ['/api/v1/admin', 'api'],
    ['/api/adminx', 'api'],
    ['/api/admin', 'admin'],
    ['/api/admin/?a=b', 'admin'],
    ['/api/admin/a/b/c', 'admin'],
    ['/api/admin/a/b/c/d', 'deep'],
    ['/api/admin/a/b/c/d/e/f', 'deep'],
    ['/x/y/z', 'second'],
    ['/secure', 'secure'],
    ['/secure/a%2Fb?c', 'secure'],
    ['/h2c/a%2Fb?c', 'h2c'],
  ])('%s goes to %s as it is', async (path, origin) => {
    const seen = seenBy(await ask(edge, { host, path }));
    expect([seen.origin, seen.url, seen.headers['x-forwarded-prefix']]).toEqual([origin, path, undefined]);
  });

  test.each([
    ['/cut', '/', 'api'],
    ['/cut/', '/', 'api'],
    ['/cut?a=b', '/?a=b', 'api'],
    ['/cut/?a=/../%2e', '/?a=/../%2e', 'api'],
    ['/cut/v1/pages/', '/v1/pages/', 'api'],
    ['/cut/a%2Fb%20c%3Bd%23%3F', '/a%2Fb%20c%3Bd%23%3F', 'api'],
    ['/cut/a;b=c/%61?%41', '/a;b=c/%61?%41', 'api'],
    ['/cut/cut/x', '/cut/x', 'api'],
    ['/cut//x', '//x', 'api'],
    ['/cut/"<>$1{}', '/"<>$1{}', 'api'],
    ['/cut/more', '/', 'admin'],
    ['/cut/more/cut', '/cut', 'admin'],
    ['/here/x?y', '/x?y', 'site'],
    ['/secure-cut/a%2Fb?c', '/a%2Fb?c', 'secure'],
  ])('%s arrives as %s at %s, which is told the prefix', async (path, url, origin) => {
    const seen = seenBy(await ask(edge, { host, path, method: 'POST', body: 'body' }));
    expect(seen).toMatchObject({ origin, url, method: 'POST', bodyBytes: 4 });
    const prefix = ['/cut/more', '/secure-cut', '/cut', '/here'].find((one) => path.startsWith(one));
    expect(seen.headers['x-forwarded-prefix']).toBe(prefix);
  });

  test.each(['/', '/api', '/cut', '/secure', '/h2c'])('a forged prefix does not arrive below %s', async (path) => {
    const headers = { 'X-Forwarded-Prefix': '/forged', x_forwarded_prefix: '/forged' };
    const { rawHeaders } = seenBy(await ask(edge, { host, path, headers }));
    expect(rawHeaders.join('\n')).not.toContain('forged');
  });

  test.each([
    ['a.w.hoge.com', '/api/x', 'api', '/api/x'],
    ['a.w.hoge.com', '/cut/x', 'site', '/x'],
    ['a.w.hoge.com', '/x', 'site', '/x'],
    // A name of its own has nothing of the star's.
    ['own.w.hoge.com', '/api/x', 'admin', '/api/x'],
    ['own.w.hoge.com', '/cut/x', 'admin', '/cut/x'],
    // And a host nothing of another host's.
    ['over.hoge.com', '/same/api', 'h2c', '/same/api'],
  ])('%s%s goes to %s as %s', async (name, path, origin, url) => {
    expect(seenBy(await ask(edge, { host: name, path }))).toMatchObject({ origin, url });
  });
});

test('a part has its own protocol, or with no backend of its own that of the site', async () => {
  const same = seenBy(await visit(edge, { host: 'over.hoge.com', path: '/same' }));
  expect([same.origin, same.httpVersion]).toEqual(['h2c', '2.0']);
  const plain = seenBy(await visit(edge, { host: 'over.hoge.com', path: '/plain/x' }));
  expect([plain.origin, plain.httpVersion, plain.url]).toEqual(['site', '1.1', '/x']);
});
