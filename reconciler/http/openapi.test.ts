// The document against the server that it describes: every path is in it, nothing else is, and what is really answered fits.
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ChallengeEnd, ChallengeQuestion, OrderEnd, PoolIdentity, SealedCertificate } from '../../bundle/api.ts';
import { signRelayed } from '../../bundle/relayed.ts';
import { openapiDocument } from '../core/openapi.ts';
import { rolloutView } from '../core/rollout/rollout-view.ts';
import { listingOf } from '../listing.ts';
import { chunk, edgeConfig, enrolment, keys, NODE_PATH, originConfig, RECIPIENT, report } from './http.fixture.ts';
import { COMMENTED, type Proposing, startProposing, TEAM_TOKENS } from './proposals.fixture.ts';
import { createHttpApp } from './server.ts';

const document = openapiDocument();
const METHODS = ['get', 'put', 'post', 'patch', 'delete'] as const;

let at: Proposing;
beforeEach(async () => {
  at = await startProposing();
});
afterEach(() => at.close());

interface Operation {
  operationId: string;
  responses: Record<string, { content?: Record<string, { schema: object }> }>;
}

const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  METHODS.flatMap((method) => (item[method] ? [{ path, method, operation: item[method] as Operation }] : [])),
);

/** `GET /a/{b}` for everything that express would answer. */
function served(): string[] {
  const { stack } = createHttpApp(at.deps).router as unknown as {
    stack: { route?: { path: string; methods: Record<string, boolean> } }[];
  };
  return stack.flatMap(({ route }) => {
    if (route === undefined) return [];
    const paths = /^(.*)\{(.*)\}$/.exec(route.path);
    const all = paths ? [paths[1]!, `${paths[1]}${paths[2]}`] : [route.path];
    return all.flatMap((path) =>
      Object.keys(route.methods).map((method) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`),
    );
  });
}

it('has every path of the server, and no other', () => {
  expect(operations.map(({ path, method }) => `${method} ${path}`).sort()).toEqual(served().sort());
});

it('names each operation once, and refers to nothing that is missing', () => {
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]*)"/g)].map(([, to]) => to!);
  const known = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`);
  expect(references.filter((to) => !known.includes(to))).toEqual([]);
  expect(references.length).toBeGreaterThan(50);
});

it('takes away no keyword of the schema of a route that judges', () => {
  const { Route, RouteRequest } = document.components.schemas as Record<string, { properties: object }>;
  expect(Object.keys(RouteRequest!.properties)).toEqual([
    ...Object.keys(Route!.properties),
    ...['origin_id', 'target_port', 'team'],
  ]);
  const validate = validator({ $ref: '#/components/schemas/RouteRequest' }, false);
  expect(validate({ hostname: 'a.hoge.com', origin_id: 'o', target_port: 1, limits: { maxBody: '1m' } })).toEqual([]);
  for (const wrong of [{ origin: 'o' }, { hostname: 'a.b.c', limits: { maxBody: 1 } }, { hostname: 'a.b.c', x: 1 }])
    expect(validate(wrong)).not.toEqual([]);
});

/** `isClosed`: members that the document does not name are refused, although it lets answers gain some. */
function validator(schema: object, isClosed: boolean): (value: unknown) => string[] {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  const all = { ...schema, components: { schemas: document.components.schemas } };
  const validate = ajv.compile(isClosed ? (closed(all) as object) : all);
  return (value) => {
    validate(value);
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  };
}

function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const parts = Object.fromEntries(Object.entries(schema).map(([name, part]) => [name, closed(part)]));
  const isShape = 'properties' in parts && parts.type === 'object' && !('additionalProperties' in parts);
  return isShape ? { ...parts, additionalProperties: false } : parts;
}

describe('what is really answered', () => {
  const seen = new Set<string>();

  /** Asks, and holds the answer against the document. */
  async function ask(name: string, path: string, init: RequestInit & { as?: 'a' | 'home'; team?: 'hoge' } = {}) {
    const { team, ...rest } = init;
    const [method, template] = name.split(' ') as [(typeof METHODS)[number], string];
    const headers = new Headers(rest.headers);
    if (team) headers.set('authorization', `Bearer ${TEAM_TOKENS[team]}`);
    if (rest.body !== undefined && !headers.has('content-type')) headers.set('content-type', 'application/json');
    const response = await at.ask(path, { ...rest, method: method.toUpperCase(), headers });
    const text = await response.text();
    const described = (document.paths[template]![method] as Operation).responses[response.status];
    expect(described, `${name} answered ${response.status}: ${text.slice(0, 200)}`).toBeDefined();
    seen.add(`${name} ${response.status}`);
    if (text === '') return;
    const type = response.headers.get('content-type')!.split(';')[0]!;
    const schema = described!.content?.[type]?.schema;
    expect(schema, `${name} answered ${response.status} as ${type}`).toBeDefined();
    const value = type.includes('json') ? JSON.parse(text) : text;
    expect([`${name} ${response.status}`, validator(schema!, true)(value)]).toEqual([`${name} ${response.status}`, []]);
  }

  const json = (value: unknown) => JSON.stringify(value);

  it('to teams fits', async () => {
    const asked = { hostname: 'new.hoge.com', origin_id: 'o1', target_port: 80 };
    at.served.update({ listing: listingOf(at.site.standing.live) });
    const [routes, one] = ['/api/v1/routes', '/api/v1/routes/{hostname}'];
    await ask(`get ${routes}`, routes, { team: 'hoge' });
    await ask(`get ${routes}`, routes, { headers: { authorization: 'Bearer kokoa_team_x' } });
    for (const body of [asked, asked, { ...asked, origin_id: 'o9' }, { ...asked, hostname: 'x.fuga.com' }, [], null])
      await ask(`post ${routes}`, routes, { team: 'hoge', body: json(body) });
    await ask(`post ${routes}`, routes, {
      team: 'hoge',
      body: json({ hostname: 'renamed.hoge.com', origin: 'o1', port: 8080 }),
    });
    await ask(`post ${routes}`, routes, {
      team: 'hoge',
      body: json({ hostname: 'app.hoge.com', origin: 'o1', port: 1 }),
    });
    await ask(`post ${routes}`, routes, { team: 'hoge', body: json('x'.repeat(70_000)) });
    await ask(`post ${routes}`, routes, { team: 'hoge', body: 'x', headers: { 'content-type': 'text/plain' } });
    await ask(`post ${routes}`, routes, { body: json(asked) });
    await ask(`patch ${one}`, `${routes}/app.hoge.com`, { team: 'hoge', body: json({ port: 9 }) });
    await ask(`patch ${one}`, `${routes}/none.hoge.com`, { team: 'hoge', body: json({ port: 9 }) });
    await ask(`delete ${one}`, `${routes}/app.hoge.com`, { team: 'hoge' });
    at.site.standing = { ...at.site.standing, commit: undefined };
    await ask(`post ${routes}`, routes, { team: 'hoge', body: json({ ...asked, target_port: 7 }) });
    for (let count = 0; count < 30; count += 1) await at.propose('DELETE', '/api/v1/routes/none.hoge.com');
    await ask(`delete ${one}`, `${routes}/none.hoge.com`, { team: 'hoge' });
    for (const status of [200, 201, 400, 401, 403, 409, 413, 415, 422, 503])
      expect(seen).toContain(`post ${routes} ${status}`);
    for (const name of [`patch ${one} 201`, `patch ${one} 404`, `delete ${one} 201`, `delete ${one} 429`])
      expect(seen).toContain(name);
    expect(COMMENTED).toContain('hostname: app.hoge.com');
  });

  it('to people and git servers fits', async () => {
    at.served.update({ listing: listingOf(at.site.standing.live), ready: true });
    const { edges, origins } = at.served.listing;
    at.served.update({
      listing: {
        ...at.served.listing,
        edges: [{ ...edges[0]!, name: 'a' }],
        origins: [{ ...origins[0]!, name: 'home' }],
      },
    });
    await at.publish([edgeConfig('a', []), originConfig('home')]);
    const time = '2030-01-01T00:00:00.000Z';
    const rest = {
      ...{ applied: 'b'.repeat(64), error: { stage: 's', code: 'c', detail: 'd' } },
      ...{ quarantined: [{ hostname: 'a.b.c', reason: 'r' }], certificates: [{ hostname: 'a.b.c', notAfter: time }] },
    };
    await at.post(
      'a',
      `${NODE_PATH}/status`,
      report({ ...rest, enrolment: enrolment({ address: { ipv4: '192.0.2.1' } }) }),
    );
    for (const path of ['/api/v1/routes', '/api/v1/origins', '/api/v1/edges', '/api/v1/rollout', '/metrics']) {
      await ask(`get ${path}`, path);
      await ask(`get ${path}`, path, { headers: { via: 'x' } });
    }
    for (const path of ['/healthz', '/readyz', '/api/v1/sealing-key', '/openapi.json']) await ask(`get ${path}`, path);
    const going = { commit: 'c', settings: 's', settledBlob: 'b', waves: [['a'], ['b']], wave: 0, sinceMs: 0 };
    const error = { stage: 's', code: 'c', detail: 'd' };
    const stopped = { node: 'a', atMs: 1, error };
    const edge = { node: 'a', pool: 'p', state: 'active', published: 'h', lastSeenMs: 0 } as const;
    const behind = { ...edge, report: { state: 'degraded', error } } as const;
    for (const rollout of [going, { ...going, soakSinceMs: 1 }, { ...going, stopped }]) {
      at.served.update({ rollout: () => rolloutView(rollout, [behind], { nowMs: 1, soakMs: 1 }) });
      await ask('get /api/v1/rollout', '/api/v1/rollout');
    }
    at.served.update({ ready: false });
    await ask('get /readyz', '/readyz');
    await ask('post /webhooks/github', '/webhooks/github', { body: '{}' });
    for (const name of [
      'get /readyz 200',
      'get /readyz 503',
      'get /api/v1/edges 200',
      'get /api/v1/rollout 200',
      'get /api/v1/rollout 401',
      'get /metrics 401',
      'post /webhooks/github 404',
    ])
      expect(seen).toContain(name);
  });

  it('to nodes fits', async () => {
    const { privateKey, signingKey } = keys();
    const text = chunk([{ hostname: 'app.hoge.com', orderer: 'a' }]);
    const [node] = await at.publish([edgeConfig('a', [text]), originConfig('home')], [text]);
    const own = enrolment({ signingKey });
    await ask(`post ${NODE_PATH}/status`, `${NODE_PATH}/status`, {
      as: 'a',
      body: json(report({ enrolment: own }, { signingKey: privateKey })),
    });
    await ask(`post ${NODE_PATH}/status`, `${NODE_PATH}/status`, { as: 'a', body: '{}' });
    const config = `get ${NODE_PATH}/config`;
    await ask(config, `${NODE_PATH}/config`, { as: 'a' });
    await ask(config, `${NODE_PATH}/config`, { as: 'a', headers: { accept: 'application/vnd.kokoa.bundle+json' } });
    await ask(config, `${NODE_PATH}/config`, { as: 'a', headers: { 'if-none-match': '*' } });
    await ask(config, `${NODE_PATH}/config?wait=0`, { as: 'a' });
    await ask(config, `${NODE_PATH}/config`);
    expect(node).toBeDefined();
    const identity = signRelayed<PoolIdentity>(
      { pool: 'default', epoch: 1, recipient: RECIPIENT, wraps: { a: 'AAAA' }, by: 'a' },
      privateKey,
    );
    const validity = { notBefore: '2020-01-01T00:00:00Z', notAfter: '2099-01-01T00:00:00Z' };
    const certificate = signRelayed<SealedCertificate>(
      { hostname: 'app.hoge.com', recipient: RECIPIENT, sealed: 'AAAA', ...validity, by: 'a' },
      privateKey,
    );
    for (const method of ['put', 'post'] as const) {
      const relay = `${NODE_PATH}/relay`;
      await ask(`${method} ${relay}/identity`, `${relay}/identity`, { as: 'a', body: json(identity) });
      await ask(`${method} ${relay}/identity`, `${relay}/identity`, { as: 'home', body: json(identity) });
      await ask(`${method} ${relay}/certificates`, `${relay}/certificates`, { as: 'a', body: json(certificate) });
      const named = `${relay}/certificates/{hostname}`;
      await ask(`${method} ${named}`, `${relay}/certificates/app.hoge.com`, { as: 'a', body: json(certificate) });
      await ask(`${method} ${named}`, `${relay}/certificates/b.hoge.com`, { as: 'a', body: json(certificate) });
    }
    await ask(`get ${NODE_PATH}/relay`, `${NODE_PATH}/relay`, { as: 'a' });
    const leases = `post ${NODE_PATH}/relay/leases/{hostname}`;
    await ask(leases, `${NODE_PATH}/relay/leases/app.hoge.com`, { as: 'a', body: '{}' });
    await ask(leases, `${NODE_PATH}/relay/leases/App.hoge.com`, { as: 'a', body: '{}' });
    const challenges = `post ${NODE_PATH}/relay/challenges/{name}`;
    const value = `${'a'.repeat(42)}A`;
    const proof = { name: '*.hoge.com', by: 'a' } as const;
    const question = signRelayed<ChallengeQuestion>({ kind: 'challenge', ...proof, value }, privateKey);
    const over = signRelayed<ChallengeEnd>({ kind: 'challenge_end', ...proof }, privateKey);
    await ask(challenges, `${NODE_PATH}/relay/challenges/*.hoge.com`, { as: 'a', body: json(question) });
    await ask(challenges, `${NODE_PATH}/relay/challenges/*.hoge.com`, { as: 'a', body: '{}' });
    await ask(`${challenges}/end`, `${NODE_PATH}/relay/challenges/*.hoge.com/end`, { as: 'a', body: json(over) });
    await ask(`${challenges}/end`, `${NODE_PATH}/relay/challenges/*.hoge.com/end`, { as: 'a', body: '{}' });
    const ends = `post ${NODE_PATH}/relay/orders/{hostname}`;
    const end = signRelayed<OrderEnd>(
      { kind: 'order_end', name: 'app.hoge.com', server: 'https://ca.example.com/dir', outcome: 'issued', by: 'a' },
      privateKey,
    );
    await ask(ends, `${NODE_PATH}/relay/orders/app.hoge.com`, { as: 'a', body: json(end) });
    await ask(ends, `${NODE_PATH}/relay/orders/app.hoge.com`, { as: 'a', body: json({ ...end, outcome: 'lost' }) });
    for (const name of [
      `${config} 304`,
      `${config} 400`,
      `get ${NODE_PATH}/relay 200`,
      `${leases} 200`,
      `${leases} 422`,
    ])
      expect(seen).toContain(name);
    for (const { path, method } of operations.filter((one) => one.path.startsWith(NODE_PATH)))
      expect([...seen].filter((name) => name.startsWith(`${method} ${path} `))).not.toEqual([]);
  });
});
