import { inspect } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { zoneContract } from '../../test/contract/dns-zone.ts';
import type { RecordSet, ZoneChange } from '../ports/dns-zone.ts';
import { type Body, type Mischief, startCloudflareDouble } from './dns-cloudflare.fixture.ts';
import { createCloudflareZone } from './dns-cloudflare.ts';
import type { KeptZone } from './dns-cloudflare-state.fixture.ts';
import { stepsOf } from './dns-cloudflare-steps.ts';
import {
  A,
  B,
  creates,
  failure,
  never,
  openZone,
  standing,
  TOKEN,
  write,
  ZONE,
} from './dns-cloudflare-zone.fixture.ts';

zoneContract('cloudflare', async () => {
  const double = await startCloudflareDouble({ token: TOKEN });
  const zone = double.state.addZone(ZONE);
  const at = (name: string, type?: string) =>
    double.state.of(zone).filter((record) => record.name === name.toLowerCase() && type === (type && record.type));
  const remove = async (name: string, type: string) => {
    for (const { id, type: found } of at(name)) if (found === type) double.state.drop(zone, id);
  };
  return {
    zone: ZONE,
    access: createCloudflareZone({ zone: ZONE, token: TOKEN, baseUrl: double.baseUrl }),
    async put(name, type, ttl, values) {
      await remove(name, type);
      for (const content of values) double.state.force(zone, { name, type, ttl, content });
    },
    remove,
    stands: async (name) => standing(double.state.of(zone), name),
    lists: true,
    async close() {
      await double.close();
      expect(double.problems).toEqual([]);
    },
  };
});

describe('a zone at Cloudflare', () => {
  it('says that visitors of a proxied name get something else, and takes the proxy off', async () => {
    const { double, zone, access } = await openZone();
    const name = `www.${ZONE}`;
    double.state.force(zone, { name, type: 'A', ttl: 1, content: '203.0.113.1', proxied: true });
    const found = (await access.read([name], never)).get(name);
    expect(found).toEqual({ sets: [{ ...A, ttl: 300 }], others: [], steered: 'proxied by the provider' });
    expect((await access.list(never))?.get(name)).toEqual(found);

    const after = [{ ...A, ttl: 300 }];
    expect((await write(access, [{ name, before: after, after }])).outcomes).toEqual([{ kind: 'done' }]);
    expect(double.state.of(zone)).toMatchObject([{ content: '203.0.113.1', ttl: 300, proxied: false }]);
    expect((await access.read([name], never)).get(name)).toEqual({ sets: after, others: [] });
  });

  it('never leaves a name without an address: a record becomes the next one, with its comment', async () => {
    const { double, zone, access } = await openZone();
    const name = `www.${ZONE}`;
    const { id } = double.state.force(zone, { name, type: 'A', ttl: 120, content: '203.0.113.1' });
    await write(access, [{ name, before: [A], after: [B] }]);
    expect(double.state.of(zone)).toMatchObject([{ id, content: '203.0.113.2' }]);
  });

  it('asks for a few names one by one, for many in one list, and for nothing not at all', async () => {
    const { double, access } = await openZone();
    const names = Array.from({ length: 200 }, (_, index) => `host-${index}.${ZONE}`);
    await access.read(names.slice(0, 5), never);
    expect(double.asked).toEqual(['zones', 'list', 'list', 'list', 'list', 'list']);
    double.asked.length = 0;
    await access.read(names, never);
    expect(double.asked).toEqual(['list']);
    double.asked.length = 0;
    await access.read([], never);
    await write(access);
    expect(double.asked).toEqual([]);
  });

  it('reads a zone in pages, however small they are', async () => {
    const { double, zone, access } = await openZone({ perPageMax: 7 });
    for (let index = 0; index < 30; index += 1)
      double.state.force(zone, { name: `host-${index}.${ZONE}`, type: 'A', ttl: 60, content: '203.0.113.1' });
    expect((await access.list(never))?.size).toBe(30);
    expect(double.asked.length).toBe(1 + 5);
  });

  it('makes one transaction of many changes, and of one change that needs as many steps as it may', async () => {
    const { double, access, stands } = await openZone();
    await write(access, ...Array.from({ length: 150 }, (_, index) => creates(`host-${index}`)));
    expect(double.asked).toEqual(['zones', 'list', 'batch']);
    const values = Array.from({ length: 201 }, (_, index) => `203.0.113.${index}`).sort();
    const big = (count: number) => [
      { name: `big.${ZONE}`, before: [], after: [{ ...A, values: values.slice(0, count) }] },
    ];
    expect((await write(access, big(201))).outcomes).toMatchObject([{ kind: 'refused' }]);
    expect(stands(`big.${ZONE}`)).toBeUndefined();
    expect((await write(access, big(200))).outcomes).toEqual([{ kind: 'done' }]);
  });

  it('makes changes of the same name one after the other', async () => {
    const { access, stands } = await openZone();
    const name = `www.${ZONE}`;
    const changes: ZoneChange[] = [
      [{ name, before: [], after: [A] }],
      [{ name, before: [A], after: [B] }],
      [{ name, before: [A], after: [] }],
    ];
    const { outcomes } = await write(access, ...changes);
    expect(outcomes).toEqual([{ kind: 'done' }, { kind: 'done' }, { kind: 'clash', name }]);
    expect(stands(name)?.sets).toEqual([B]);
  });

  it.each([
    { title: 'a life that is too short', after: [{ ...A, ttl: 30 }], reason: /between 60 and 86400.*9021/ },
    { title: 'a life that is too long', after: [{ ...A, ttl: 90_000 }], reason: /between 60 and 86400/ },
  ])('says what Cloudflare refuses, of one change alone: $title', async ({ after, reason }) => {
    const { access, stands } = await openZone();
    const refused: ZoneChange = [{ name: `bad.${ZONE}`, before: [], after }];
    const { outcomes } = await write(access, creates('a'), refused, creates('b'), creates('c'));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['done', 'refused', 'done', 'done']);
    expect(outcomes[1]).toMatchObject({ reason: expect.stringMatching(reason) });
    expect([stands(`bad.${ZONE}`), stands(`c.${ZONE}`)?.sets]).toEqual([undefined, [A]]);
  });

  it('stops when everything is refused, as in a zone that is full', async () => {
    const { double, access } = await openZone();
    double.state.setQuota(0);
    const { outcomes, stopped } = await write(
      access,
      ...Array.from({ length: 500 }, (_, index) => creates(`h-${index}`)),
    );
    expect(stopped).toMatchObject({ code: 'dns_refused', message: expect.stringContaining('81045') });
    expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['refused', 'unknown']));
    // 50 refusals, and a look after each of a single change.
    expect(double.asked.length).toBeLessThan(110);
  });

  it('takes no more changes than the port allows', async () => {
    const { double, access } = await openZone();
    const { outcomes, stopped } = await write(
      access,
      ...Array.from({ length: 501 }, (_, index) => creates(`h-${index}`)),
    );
    expect([outcomes.length, outcomes[0], stopped]).toMatchObject([501, { kind: 'unknown' }, { code: 'dns_refused' }]);
    expect(double.asked).toEqual([]);
  });

  it('does not touch what another person put there between the reading and the writing', async () => {
    const { double, zone, access, stands } = await openZone();
    const name = `www.${ZONE}`;
    double.misbehave('list', {
      kind: 'lie',
      told(body) {
        double.state.force(zone, { name, type: 'CNAME', ttl: 60, content: 'theirs.example.net' });
        return body;
      },
    });
    const { outcomes } = await write(access, creates('www'));
    expect(outcomes).toEqual([{ kind: 'clash', name }]);
    expect(stands(name)?.sets).toMatchObject([{ type: 'CNAME', values: ['theirs.example.net'] }]);
  });

  it('leaves all texts alone where one of somebody else stands beside ours that we would not write', async () => {
    const { double, zone, access } = await openZone();
    const name = `www.${ZONE}`;
    const text: RecordSet = { type: 'TXT', ttl: 120, values: ['ours'] };
    for (const content of ['"ours"', '"say \\"no\\""'])
      double.state.force(zone, { name, type: 'TXT', ttl: 120, content });
    expect((await write(access, [{ name, before: [text], after: [] }])).outcomes).toEqual([{ kind: 'clash', name }]);
    expect(double.state.of(zone)).toHaveLength(2);
  });

  it('touches no record that the change does not know, even where it should not be made at all', () => {
    const name = `www.${ZONE}`;
    const foreign = { id: 'x', name, type: 'A', ttl: 60, content: '203.0.113.9' };
    expect(stepsOf({ name, before: [A], after: [] }, [foreign])).toEqual([]);
  });

  it.each([
    { content: 'plain old text', values: ['plain old text'] },
    { content: '"in" "pieces"', values: ['inpieces'] },
    { content: '"in""pieces"', values: ['inpieces'] },
    { content: '"half', values: undefined },
    { content: '"a" b', values: undefined },
    { content: '"\\097"', values: undefined },
    { content: '', values: undefined },
    { content: null as unknown as string, values: undefined },
  ])('reads texts however they are stored: $content', async ({ content, values }) => {
    const { double, zone, access } = await openZone();
    const name = `old.${ZONE}`;
    double.state.force(zone, { name, type: 'TXT', ttl: 120, content });
    const found = (await access.read([name], never)).get(name);
    const others = values === undefined ? ['TXT'] : [];
    expect(found).toMatchObject({ sets: values === undefined ? [] : [{ values }], others });
  });
});

describe('finding the zone', () => {
  it('is done once, and again when its id is no good any more', async () => {
    const { double, zone, access } = await openZone();
    await access.list(never);
    await access.list(never);
    expect(double.asked).toEqual(['zones', 'list', 'list']);
    double.state.removeZone(zone);
    double.state.addZone(ZONE);
    expect(await failure(access.list(never))).toMatchObject({ code: 'dns_refused' });
    expect((await access.list(never))?.size).toBe(0);
  });

  const addOther = (name: string, status: KeptZone['status'], zones: KeptZone[]) =>
    zones.push({ id: 'f'.repeat(32), name, status, paused: false, type: 'full' });
  it('takes the active one of two accounts, and none where both are or no one is', async () => {
    const { double, zone, access } = await openZone();
    addOther(ZONE, 'pending', double.state.zones);
    expect((await access.list(never))?.size).toBe(0);
    for (const status of ['active', 'pending'] as const) {
      for (const one of double.state.zones) one.status = status;
      const again = createCloudflareZone({ zone: ZONE, token: TOKEN, baseUrl: double.baseUrl });
      expect(await failure(again.list(never))).toMatchObject({
        code: 'dns_credentials',
        message: expect.stringMatching(/2 zones/),
      });
    }
    expect(zone.status).toBe('pending');
  });

  it('says which permissions a token needs that sees no zone', async () => {
    const { double, zone, access } = await openZone();
    double.state.removeZone(zone);
    const error = await failure(access.read([`a.${ZONE}`], never));
    expect(error).toMatchObject({ code: 'dns_credentials', hint: expect.stringMatching(/Zone:Read and DNS:Edit/) });
  });

  it('is not done with a zone of another name', async () => {
    const { double, access } = await openZone();
    double.misbehave('zones', {
      kind: 'lie',
      told: (body: Body) => ({ ...body, result: [{ ...body.result[0], name: 'other.com' }] }),
    });
    expect(await failure(access.list(never))).toMatchObject({
      code: 'dns_credentials',
      message: expect.stringMatching(/no zone hoge.com/),
    });
  });
});

describe('a token', () => {
  it('that is not accepted is told, with the permissions it needs', async () => {
    const { access } = await openZone({ token: 'another-token-that-nobody-knows' });
    const error = await failure(access.list(never));
    expect(error).toMatchObject({
      code: 'dns_credentials',
      message: expect.stringMatching(/9109/),
      hint: expect.stringMatching(/DNS:Edit/),
    });
  });

  it('that may not write stops all writing at once', async () => {
    const { double, access } = await openZone({ mayWrite: false });
    const { outcomes, stopped } = await write(access, creates('a'), creates('b'));
    expect(outcomes).toEqual([{ kind: 'unknown' }, { kind: 'unknown' }]);
    expect(stopped).toMatchObject({ code: 'dns_credentials' });
    expect(double.asked.filter((asked) => asked === 'batch')).toHaveLength(1);
  });

  it.each(['', 'short', 'two words in a line', 'with\na line feed in it', 'with ünicode in it'])(
    'that can be none is refused without a request: %j',
    async (token) => {
      const error = await failure(Promise.resolve().then(() => createCloudflareZone({ zone: ZONE, token })));
      expect(error).toMatchObject({ code: 'dns_credentials' });
      if (token !== '') expect(inspect(error)).not.toContain(token);
    },
  );

  it.each(['http://api.cloudflare.com/client/v4', 'ftp://127.0.0.1/', 'https://user:secret@127.0.0.1/', 'nonsense'])(
    'is not sent to %s',
    (baseUrl) => {
      expect(() => createCloudflareZone({ zone: ZONE, token: TOKEN, baseUrl })).toThrow(/expected https/);
    },
  );

  it('is in no text of what holds it', async () => {
    const { access } = await openZone();
    expect(inspect(access, { depth: 20, showHidden: true })).not.toContain(TOKEN);
  });

  it.each<{ title: string; how: Mischief }>([
    { title: 'as text', how: { kind: 'answer', status: 502, body: `upstream got Bearer ${TOKEN}` } },
    {
      title: 'as a refusal',
      how: {
        kind: 'answer',
        status: 400,
        headers: { 'x-echo': `Bearer ${TOKEN}` },
        body: JSON.stringify({ success: false, errors: [{ code: 1, message: `what is ${TOKEN}?` }] }),
      },
    },
    {
      title: 'in a chain',
      how: {
        kind: 'answer',
        status: 200,
        body: JSON.stringify({ success: false, errors: [{ error_chain: [{ message: `Bearer ${TOKEN}` }] }] }),
      },
    },
    {
      title: 'in a redirect',
      how: { kind: 'answer', status: 302, headers: { location: `http://127.0.0.1:1/${TOKEN}` } },
    },
  ])('is hidden where the server repeats it $title', async ({ how }) => {
    const { double, access } = await openZone();
    double.misbehave('list', how);
    await failure(access.list(never));
    double.misbehave('batch', how);
    await write(access, creates('a'));
  });
});

it('takes no credential and no address from the environment, and logs nothing', async () => {
  const names = {
    CLOUDFLARE_API_KEY: 'k'.repeat(37),
    CLOUDFLARE_EMAIL: 'a@hoge.com',
    CLOUDFLARE_API_USER_SERVICE_KEY: 'v1.0-key',
    CLOUDFLARE_BASE_URL: 'http://127.0.0.1:1',
    CLOUDFLARE_LOG: 'debug',
  };
  for (const [name, value] of Object.entries(names)) vi.stubEnv(name, value);
  const spoken = (['debug', 'info', 'warn', 'error'] as const).map((level) => vi.spyOn(console, level));
  onTestFinished(() => void vi.unstubAllEnvs());
  onTestFinished(() => void vi.restoreAllMocks());
  const { double, access } = await openZone();
  double.misbehave('list', { kind: 'answer', status: 500 });
  await failure(access.list(never));
  expect((await access.list(never))?.size).toBe(0);
  for (const one of spoken) expect(one).not.toHaveBeenCalled();
});
