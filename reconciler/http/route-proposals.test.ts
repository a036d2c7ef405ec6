// Programs of teams that ask for changes: what they get, what is opened for them, and what neither they nor anybody else can do.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { NEW_PULL } from '../adapters/github.fixture.ts';
import { openSqliteStore } from '../adapters/store-sqlite.ts';
import { secretsIn } from '../core/secret-shapes.ts';
import { route } from '../site.fixture.ts';
import { NODE_PATH } from './http.fixture.ts';
import {
  COMMENTED,
  DATA,
  kokoaWithTokens,
  type Proposing,
  proposedFiles,
  startProposing,
  TEAM_TOKENS,
} from './proposals.fixture.ts';

const ROUTES = '/api/v1/routes';
const NEW = { hostname: 'new.hoge.com', origin_id: 'o1', target_port: 8080 };
const NEW_FILE = 'routes/hoge/new.hoge.com.yaml';
const NEW_TEXT = `# yaml-language-server: $schema=../../schemas/route.schema.json\n${route('new.hoge.com')}`;

let at: Proposing;
afterEach(() => at.close());

describe('a new hostname', () => {
  it('is a pull request with its file, and the same one when it is asked for again', async () => {
    at = await startProposing();
    const { status, headers, body } = await at.propose('POST', ROUTES, NEW);
    expect([status, body]).toEqual([
      201,
      {
        ...{ url: expect.stringMatching(/\/pull\/\d+$/), number: expect.any(Number), state: 'open' },
        ...{ hostname: 'new.hoge.com', file: NEW_FILE, warnings: [] },
      },
    ]);
    expect(headers.get('location')).toBe(body.url);
    const files = proposedFiles(at.github, body.number as number);
    expect(files.get(NEW_FILE)).toBe(NEW_TEXT);
    expect(files.size).toBe(Object.keys(DATA).length + 1);
    const [pull] = at.github.double.state.pulls;
    expect(pull!.title).toBe('Add new.hoge.com (team hoge)');
    expect(pull!.body).toContain(`\`\`\`yaml\n${NEW_TEXT}\`\`\``);
    const again = await at.propose('POST', ROUTES, {
      port: 8080,
      origin: 'o1',
      hostname: 'New.Hoge.com.',
      team: 'hoge',
    });
    expect([again.status, again.body]).toEqual([200, body]);
    expect(again.headers.get('location')).toBe(body.url);
    expect(at.github.double.state.pulls).toHaveLength(1);
  });

  it('may have every field of a route, laid out as kokoa fmt does', async () => {
    at = await startProposing();
    const asked = {
      limits: { maxBody: '20m' },
      backends: [
        { port: 1, origin: 'o1' },
        { port: 2, origin: 'o2', backup: true },
      ],
      hostname: '*.new.hoge.com',
    };
    const { body } = await at.propose('POST', ROUTES, asked);
    expect(proposedFiles(at.github, body.number as number).get('routes/hoge/_wildcard.new.hoge.com.yaml')).toBe(
      `# yaml-language-server: $schema=../../schemas/route.schema.json
hostname: '*.new.hoge.com'
backends:
  - origin: o1
    port: 1
  - origin: o2
    port: 2
    backup: true
limits:
  maxBody: 20m
`,
    );
  });

  it('that is there already as asked for opens nothing', async () => {
    at = await startProposing();
    const { status, body } = await at.propose('POST', ROUTES, {
      hostname: 'renamed.hoge.com',
      origin: 'o1',
      port: 8080,
    });
    expect([status, body]).toMatchObject([200, { state: 'unchanged', file: 'routes/hoge/old.hoge.com.yaml' }]);
    expect(at.github.double.asked).toEqual([]);
  });

  it('brings what a reviewer should know', async () => {
    at = await startProposing();
    const { body } = await at.propose('POST', ROUTES, { ...NEW, hostname: '*.both.com' });
    expect(body.warnings).toEqual([
      expect.objectContaining({ rule: 'KK366', file: 'routes/hoge/_wildcard.both.com.yaml' }),
    ]);
    // Whose the other name is stands where reviewers are, and not in what a program is told.
    expect(at.github.double.state.pulls[0]!.body).toContain('- KK366, line 2: `found');
    expect(at.github.double.state.pulls[0]!.body).toContain('routes/fuga/theirs.yaml');
    expect(JSON.stringify(body)).not.toContain('theirs');
    expect(JSON.stringify(body)).not.toContain('fuga');
  });
});

describe('is refused and opens nothing:', () => {
  it.each<[string, unknown, number, string, RegExp]>([
    ['both names for one thing', { ...NEW, origin: 'o1' }, 422, 'two_names', /origin and origin_id/],
    ['another team', { ...NEW, team: 'fuga' }, 422, 'other_team', /expected hoge/],
    ['a list', [NEW], 422, 'bad_body', /a list/],
    ['no hostname', { origin: 'o1', port: 1 }, 422, 'invalid', /KK113/],
    ['a public port', { protocol: 'tcp', publicPort: 25565, origin: 'o1', port: 1 }, 422, 'no_hostname', /public port/],
    ['no name', { ...NEW, hostname: 'a_b.hoge.com' }, 422, 'invalid', /KK201/],
    ['a name of another team', { ...NEW, hostname: 'wiki.fuga.com' }, 403, 'not_granted', /not granted wiki.fuga.com$/],
    ['a free name of another team', { ...NEW, hostname: 'x.fuga.com' }, 403, 'not_granted', /not granted x.fuga.com$/],
    ['one that another team took', { ...NEW, hostname: 'theirs.both.com' }, 409, 'taken', /by another team$/],
    [
      'one of its own',
      { ...NEW, hostname: 'app.hoge.com' },
      409,
      'taken',
      /team hoge itself, in routes\/hoge\/app.yaml/,
    ],
    ['a file in the way', { ...NEW, hostname: 'old.hoge.com' }, 409, 'file_exists', /old\.hoge\.com\.yaml/],
    ['an origin of others', { ...NEW, origin_id: 'o3' }, 422, 'invalid', /KK305/],
    ['a fraction', { ...NEW, target_port: 80.5 }, 422, 'invalid', /KK015/],
    [
      'a reserved key',
      JSON.parse('{"hostname":"new.hoge.com","origin":"o1","port":1,"__proto__":{}}'),
      422,
      'invalid',
      /KK013/,
    ],
    [
      'a secret',
      { ...NEW, headers: { request: { set: { 'X-Key': `ghp_${'a'.repeat(36)}` } } } },
      422,
      'invalid',
      /KK017/,
    ],
    ['an invisible character', { ...NEW, origin: undefined, origin_id: 'o1\u202e' }, 422, 'invalid', /KK/],
    ['half a character', { ...NEW, origin_id: '\ud800' }, 422, 'invalid', /KK004/],
    ['too deep a body', { ...NEW, headers: nested(25) }, 422, 'invalid', /KK/],
  ])('%s', async (_, asked, status, code, message) => {
    at = await startProposing();
    const found = await at.propose('POST', ROUTES, asked);
    expect([found.status, found.body]).toMatchObject([status, { error: code }]);
    expect(found.body.message).toMatch(message);
    expect(found.body.hint).toMatch(/./);
    expect(JSON.stringify(found.body)).not.toMatch(/theirs\.yaml|wiki\.yaml|ghp_/);
    expect(at.github.double.asked).toEqual([]);
  });

  it('says every problem with its place, in the words of the check', async () => {
    at = await startProposing();
    const asked = { ...NEW, origin_id: 'o9', limits: { burst: 5 }, pool: 'spar' };
    const { status, body } = await at.propose('POST', ROUTES, asked);
    const place = { file: NEW_FILE, line: expect.any(Number), column: expect.any(Number) };
    expect([status, body]).toMatchObject([422, { error: 'invalid', message: expect.stringMatching(/^KK/) }]);
    const problem = (rule: string) => ({ rule, ...place, message: expect.any(String), hint: expect.any(String) });
    expect(body.problems).toEqual([problem('KK304'), problem('KK307'), problem('KK306')]);
  });

  it.each<[string, number, string | undefined, string]>([
    ['a body of 65 KiB', 413, 'body_too_large', JSON.stringify({ ...NEW, x: 'y'.repeat(65 * 1024) })],
    ['no JSON', 400, 'not_json', '{'],
    ['null', 400, 'not_json', 'null'],
  ])('%s', async (_, status, error, text) => {
    at = await startProposing();
    const headers = { authorization: `Bearer ${TEAM_TOKENS.hoge}`, 'content-type': 'application/json' };
    const response = await at.ask(ROUTES, { method: 'POST', headers, body: text });
    expect([response.status, await response.json()]).toMatchObject([status, { error }]);
  });
});

function nested(levels: number): unknown {
  return levels === 0 ? 1 : { a: nested(levels - 1) };
}

describe('a change', () => {
  it.each(['application/json', 'application/merge-patch+json; charset=utf-8'])(
    'of type %s changes what it names and keeps every comment',
    async (type) => {
      at = await startProposing();
      const patch = {
        target_port: 9090,
        limits: { burst: null, requestsPerSecond: 5 },
        hsts: null,
        hostname: 'APP.hoge.com',
      };
      const { status, body } = await at.propose('PATCH', `${ROUTES}/app.hoge.com`, patch, { type });
      expect([status, body.file]).toEqual([201, 'routes/hoge/app.yaml']);
      expect(proposedFiles(at.github, body.number as number).get('routes/hoge/app.yaml')).toBe(
        COMMENTED.replace('8080', '9090').replace('maxBody: 10m\n', 'maxBody: 10m\n  requestsPerSecond: 5\n'),
      );
      expect(at.github.double.state.pulls[0]!.title).toBe('Change app.hoge.com (team hoge)');
    },
  );

  it.each<[string, unknown, number, string]>([
    ['nothing', { port: 8080 }, 200, 'unchanged'],
    ['the name', { hostname: 'other.hoge.com' }, 422, 'hostname_fixed'],
    ['what a route needs', { origin: null }, 422, 'invalid'],
    ['to another origin of others', { origin: 'o3' }, 422, 'invalid'],
    ['both names', { port: 1, target_port: 1 }, 422, 'two_names'],
  ])('that changes %s opens nothing', async (_, patch, status, code) => {
    at = await startProposing();
    const found = await at.propose('PATCH', `${ROUTES}/app.hoge.com`, patch);
    expect([found.status, found.body.error ?? found.body.state]).toEqual([status, code]);
    expect(at.github.double.asked).toEqual([]);
  });

  it.each([
    ['is not there', async () => undefined],
    ['cannot be read', () => Promise.reject(new Error('/var/lib/mirror broke'))],
  ])('of another media type, or of a file whose text %s, is refused', async (_, textOf) => {
    at = await startProposing({ textOf });
    const patch = ['PATCH', `${ROUTES}/app.hoge.com`, { port: 1 }] as const;
    expect((await at.propose(...patch, { type: 'application/json-patch+json' })).status).toBe(415);
    expect(await at.propose(...patch)).toMatchObject({ status: 503, body: { error: 'not_ready' } });
  });
});

describe('a removal', () => {
  it('takes the file away', async () => {
    at = await startProposing();
    const { status, body } = await at.propose('DELETE', `${ROUTES}/App.hoge.com`);
    expect(status).toBe(201);
    expect(proposedFiles(at.github, body.number as number).has('routes/hoge/app.yaml')).toBe(false);
    expect(at.github.double.state.pulls[0]!.title).toBe('Remove app.hoge.com (team hoge)');
    expect((await at.propose('DELETE', `${ROUTES}/app.hoge.com`)).status).toBe(200);
  });

  it.each([
    ['a name that nobody has', 'none.hoge.com', 404, 'unknown_route'],
    ['no name', '%2e%2e%2fkokoa', 404, 'unknown_route'],
    ['a name of another team', 'wiki.fuga.com', 403, 'not_granted'],
    ['one that another team took', 'theirs.both.com', 409, 'taken'],
  ])('of %s is refused', async (_, name, status, error) => {
    at = await startProposing();
    for (const method of ['DELETE', 'PATCH'])
      expect(await at.propose(method, `${ROUTES}/${name}`, method === 'PATCH' ? { port: 1 } : undefined)).toMatchObject(
        {
          status,
          body: { error },
        },
      );
    expect(at.github.double.asked).toEqual([]);
  });
});

describe('a repeated request', () => {
  it('of one key is one pull request, also after it was merged or closed', async () => {
    at = await startProposing();
    const key = 'a "quoted" \\ key';
    const { body } = await at.propose('POST', ROUTES, NEW, { key });
    const reordered = { target_port: 8080, origin_id: 'o1', hostname: 'new.hoge.com' };
    const again = await at.propose('POST', ROUTES, reordered, { key: JSON.stringify(key) });
    expect([again.status, again.body]).toEqual([200, body]);
    at.github.double.state.pulls[0]!.state = 'closed';
    await at.site.push({ [NEW_FILE]: NEW_TEXT });
    const late = await at.propose('POST', ROUTES, NEW, { key });
    expect([late.status, late.body]).toEqual([200, { ...body, state: 'closed' }]);
    expect(at.github.double.state.pulls).toHaveLength(1);
  });

  it('of one key and another content is a mistake, for that team', async () => {
    at = await startProposing();
    await at.propose('POST', ROUTES, NEW, { key: 'k' });
    for (const other of [
      { ...NEW, target_port: 1 },
      { ...NEW, origin: 'o1', origin_id: undefined },
    ])
      expect(await at.propose('POST', ROUTES, other, { key: 'k' })).toMatchObject({
        status: 422,
        body: { error: 'idempotency_key_reused' },
      });
    expect((await at.propose('DELETE', `${ROUTES}/app.hoge.com`, undefined, { key: 'k' })).status).toBe(422);
    const theirs = { ...NEW, hostname: 'new.fuga.com' };
    expect((await at.propose('POST', ROUTES, theirs, { key: 'k', as: 'fuga' })).status).toBe(201);
  });

  it('of another key is the same pull request while that is open, and another one after', async () => {
    at = await startProposing();
    const { body } = await at.propose('POST', ROUTES, NEW, { key: 'k1' });
    expect(await at.propose('POST', ROUTES, NEW, { key: 'k2' })).toMatchObject({ status: 200, body });
    at.github.double.state.pulls[0]!.state = 'closed';
    const second = await at.propose('POST', ROUTES, NEW);
    expect([second.status, second.body.number === body.number]).toEqual([201, false]);
    expect(await at.propose('POST', ROUTES, NEW)).toMatchObject({ status: 200, body: second.body });
  });

  it('that was broken off before it was remembered opens nothing twice', async () => {
    at = await startProposing();
    at.store.failNext('openedProposals', Object.assign(new Error('disk'), { code: 'store_failed' }));
    expect((await at.propose('POST', ROUTES, NEW, { key: 'k' })).status).toBe(503);
    at.github.double.misbehave(NEW_PULL, { kind: 'cut' });
    expect((await at.propose('POST', ROUTES, NEW, { key: 'k' })).body).toMatchObject({ state: 'open' });
    expect((await at.propose('POST', ROUTES, NEW, { key: 'k' })).status).toBe(200);
    expect(at.github.double.state.pulls).toHaveLength(1);
  });

  it('is remembered over a restart', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'kokoa-proposals-'));
    const first = await openSqliteStore(directory);
    at = await startProposing({ store: first });
    const { body } = await at.propose('POST', ROUTES, NEW, { key: 'k' });
    await first.close();
    const second = await openSqliteStore(directory);
    const forge = at.github.connect();
    const after = await startProposing({ store: second, forge });
    expect(await after.propose('POST', ROUTES, NEW, { key: 'k' })).toMatchObject({ status: 200, body });
    expect((await after.propose('POST', ROUTES, { ...NEW, target_port: 1 }, { key: 'k' })).status).toBe(422);
    await after.close();
    forge.close();
    await second.close();
    await rm(directory, { recursive: true });
  });

  it.each(['x'.repeat(256), 'é', ' '])('with the key %j is refused', async (key) => {
    at = await startProposing();
    const { status, body } = await at.propose('POST', ROUTES, NEW, { key: key === ' ' ? '""' : key });
    expect([status, body.error]).toEqual([400, 'bad_idempotency_key']);
  });

  it('at the same moment waits for its turn', async () => {
    at = await startProposing();
    const all = await Promise.all(Array.from({ length: 4 }, () => at.propose('POST', ROUTES, NEW)));
    expect(all.map(({ status }) => status).sort()).toEqual([200, 200, 200, 201]);
    expect(at.github.double.state.pulls).toHaveLength(1);
  });
});

describe('whoever asks', () => {
  it.each([
    ['nothing', undefined, 'token_missing'],
    ['another scheme', 'Basic aG9nZTpob2dl', 'token_missing'],
    ['no token of ours', 'Bearer abc', 'token_garbled'],
    ['an unknown token', `Bearer kokoa_team_${'x'.repeat(43)}`, 'token_unknown'],
    ['the hash of a token', `Bearer ${'a'.repeat(64)}`, 'token_garbled'],
  ])('with %s is not let in, also on this machine', async (_, authorization, error) => {
    at = await startProposing();
    for (const [method, path] of [
      ['POST', ROUTES],
      ['PATCH', `${ROUTES}/app.hoge.com`],
      ['DELETE', `${ROUTES}/app.hoge.com`],
    ] as const) {
      const response = await at.ask(path, { method, ...(authorization && { headers: { authorization } }) });
      expect([response.status, await response.json()]).toMatchObject([401, { error }]);
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer realm="kokoa"/);
    }
  });

  it('with a token of a node reaches nothing here, and with one of a team nothing of a node', async () => {
    at = await startProposing();
    expect((await at.propose('POST', ROUTES, NEW, { token: at.token('a') })).status).toBe(401);
    for (const [method, path] of [
      ['GET', '/config'],
      ['POST', '/status'],
      ['GET', '/relay'],
    ] as const) {
      const headers = { authorization: `Bearer ${TEAM_TOKENS.hoge}` };
      expect((await at.ask(NODE_PATH + path, { method, headers })).status).toBe(401);
    }
  });

  it('sees the routes of its team alone', async () => {
    at = await startProposing();
    const listed = ['hoge', 'fuga'].map((team) => ({ hostname: `app.${team}.com`, team }));
    at.served.update({ listing: { routes: listed, origins: [], edges: [] } });
    const ask = async (token: string) =>
      (await at.ask(ROUTES, { headers: { authorization: `Bearer ${token}`, via: '1.1 proxy' } })).json();
    expect(await ask(TEAM_TOKENS.fuga)).toEqual({ routes: [{ ...listed[1], served: { by: 0, of: 0 } }] });
    expect(await ask(TEAM_TOKENS.spare)).toMatchObject({ error: 'token_unknown' });
    const other = await at.ask('/api/v1/edges', {
      headers: { authorization: `Bearer ${TEAM_TOKENS.fuga}`, via: '1.1 proxy' },
    });
    expect(other.status).toBe(403);
  });

  it('is shut out by the newest commit even while it is held, and let in by none that is', async () => {
    at = await startProposing();
    await at.site.push({ 'kokoa.yaml': kokoaWithTokens(['spare']), 'edges/e1.yaml': 'name: other\n' });
    expect(at.site.standing.hold?.reason).toBe('invalid');
    expect((await at.propose('POST', ROUTES, NEW)).status).toBe(401);
    expect((await at.propose('POST', ROUTES, NEW, { as: 'spare' })).status).toBe(401);
    await at.site.push({ 'kokoa.yaml': 'not: valid\n' });
    expect(await at.propose('POST', ROUTES, NEW)).toMatchObject({ status: 409, body: { error: 'held' } });
  });
});

describe('without what it needs', () => {
  it('says which option is missing', async () => {
    at = await startProposing({ forge: undefined });
    const { status, body } = await at.propose('POST', ROUTES, NEW);
    expect([status, body]).toMatchObject([503, { error: 'no_forge', message: expect.stringContaining('--github') }]);
  });

  it.each<[string, object, number, string, string | null]>([
    ['does not know it', { status: 401 }, 502, 'forge_refused', null],
    ['does not let it', { status: 403 }, 502, 'forge_refused', null],
    ['wants a pause', { status: 429, headers: { 'retry-after': '2400' } }, 503, 'forge_limited', '2400'],
    ['finds it invalid', { status: 422 }, 409, 'forge_conflict', null],
  ])('a forge that %s is told in our words', async (_, how, status, error, retryAfter) => {
    at = await startProposing();
    at.github.double.misbehave(NEW_PULL, { kind: 'answer', body: '{"message":"see ghs_secret"}', ...how } as never);
    const found = await at.propose('POST', ROUTES, NEW);
    expect([found.status, found.body.error, found.headers.get('retry-after')]).toEqual([status, error, retryAfter]);
    expect(JSON.stringify(found.body)).not.toMatch(/ghs_|secret|github/i);
  });

  it('a forge that is away is asked again later', async () => {
    at = await startProposing();
    at.github.double.misbehave(NEW_PULL, { kind: 'answer', status: 502 }, 4);
    const down = await at.propose('POST', ROUTES, NEW, { key: 'k' });
    expect([down.status, down.body.error, down.headers.get('retry-after')]).toEqual([503, 'forge_down', '30']);
    expect((await at.propose('POST', ROUTES, NEW, { key: 'k' })).status).toBe(201);
  });

  it('asks to wait while nothing is known', async () => {
    at = await startProposing();
    const { standing } = at.site;
    at.site.standing = { ...standing, commit: undefined };
    const { status, headers, body } = await at.propose('POST', ROUTES, NEW);
    expect([status, headers.get('retry-after'), body.error]).toEqual([503, '5', 'not_ready']);
    at.site.standing = { ...standing, live: { ...standing.live, kokoa: undefined } };
    expect((await at.propose('POST', ROUTES, NEW)).status).toBe(503);
  });
});

describe('one team', () => {
  it('may ask thirty times a minute, and no other team has less for it', async () => {
    at = await startProposing();
    const ask = (as: 'hoge' | 'fuga') => at.propose('POST', ROUTES, { ...NEW, hostname: 'x.none.com' }, { as });
    for (let count = 0; count < 30; count += 1) expect((await ask('hoge')).status).toBe(403);
    const { status, headers, body } = await ask('hoge');
    expect([status, body.error]).toEqual([429, 'too_many_requests']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(30);
    expect((await ask('fuga')).status).toBe(403);
    at.clock.offsetMs = 61_000;
    expect((await ask('hoge')).status).toBe(403);
  });

  it('may wait with ten requests', async () => {
    let letGo = () => {};
    const wait = new Promise<undefined>((resolve) => {
      letGo = () => resolve(undefined);
    });
    at = await startProposing({ textOf: () => wait });
    const ask = () => at.propose('PATCH', `${ROUTES}/app.hoge.com`, { port: 1 });
    const waiting = Array.from({ length: 11 }, ask);
    const extra = await Promise.any(Array.from({ length: 2 }, ask));
    expect([extra.status, extra.headers.get('retry-after'), extra.body.error]).toEqual([429, '1', 'busy']);
    letGo();
    expect((await Promise.all(waiting)).filter(({ status }) => status === 503).length).toBeGreaterThan(8);
  });

  it('may send ten bodies at a time', async () => {
    at = await startProposing();
    const leaving = new AbortController();
    const headers = { authorization: `Bearer ${TEAM_TOKENS.hoge}`, 'content-type': 'application/json' };
    const stalled = () =>
      at.ask(ROUTES, {
        ...{ method: 'POST', headers, signal: leaving.signal, duplex: 'half' },
        body: new ReadableStream({ start: (body) => body.enqueue(Buffer.from('{')) }),
      } as RequestInit);
    const refusal = await Promise.any(Array.from({ length: 11 }, stalled));
    expect([refusal.status, refusal.headers.get('retry-after')]).toEqual([429, '1']);
    expect((await at.propose('POST', ROUTES, NEW)).body.error).toBe('busy');
    expect((await at.propose('POST', ROUTES, NEW, { as: 'fuga' })).status).toBe(403);
    leaving.abort();
    await expect.poll(async () => (await at.propose('POST', ROUTES, NEW)).status).toBe(201);
  });

  it('may have a hundred open pull requests', async () => {
    at = await startProposing();
    const { body } = await at.propose('POST', ROUTES, NEW);
    const closed = { ...NEW, hostname: 'closed.hoge.com' };
    await at.propose('POST', ROUTES, closed);
    at.github.double.state.pulls[1]!.state = 'closed';
    const kept = { team: 'hoge', requestSha256: 'r', forgeKey: 'f', createdMs: at.deps.clock().getTime() };
    const [pull] = at.github.double.state.pulls;
    for (let count = 1; count < 100; count += 1) {
      const number = 10_000 + count;
      at.github.double.state.pulls.push({ ...pull!, number, headRef: `x${count}` });
      const opened = { number, url: 'u', hostname: 'h', file: 'f' };
      await at.store.keepProposal({ ...kept, key: `${count}`, opened }, kept.createdMs);
    }
    const other = { ...NEW, hostname: 'more.hoge.com' };
    expect(await at.propose('POST', ROUTES, other)).toMatchObject({ status: 429, body: { error: 'too_many_open' } });
    expect(await at.propose('POST', ROUTES, closed)).toMatchObject({ status: 429, body: { error: 'too_many_open' } });
    expect(await at.propose('POST', ROUTES, NEW)).toMatchObject({ status: 200, body });
    at.github.double.state.pulls.at(-1)!.state = 'closed';
    expect((await at.propose('POST', ROUTES, other)).status).toBe(201);
  });
});

it('is told in one line of the log and one count, without a token', async () => {
  at = await startProposing();
  await at.propose('POST', ROUTES, NEW, { key: 'k' });
  await at.propose('POST', ROUTES, { ...NEW, hostname: 'x.none.com' });
  await at.propose('POST', ROUTES, NEW, { token: `kokoa_team_${'x'.repeat(43)}` });
  const lines = at.lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'a program asked for a change');
  expect(lines).toMatchObject([
    { team: 'hoge', tokenName: 'ci', method: 'POST', outcome: 'opened', hostname: 'new.hoge.com' },
    { team: 'hoge', outcome: 'not_granted' },
  ]);
  expect(secretsIn(at.lines.join('\n'), 1)).toEqual([]);
  const metrics = await (await at.ask('/metrics')).text();
  expect(metrics).toContain('kokoa_route_proposals_total{method="POST",outcome="opened"} 1');
  expect(metrics).toContain('kokoa_route_proposals_total{method="POST",outcome="not_granted"} 1');
});
