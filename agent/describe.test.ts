import { describe, expect, it } from 'vitest';
import { describeNode, type Reading } from './describe.ts';
import type { KeptStanding } from './ports/standing-store.ts';
import { edgeBundle, NOW_MS, originBundle } from './verified.fixture.ts';

const EDGE = edgeBundle(['a.test', 'b.test']);
const KEY = `${'A'.repeat(43)}=`;

const READING: Reading = {
  node: 'tokyo-1',
  fingerprint: 'abcd '.repeat(16).trim(),
  agentRuns: true,
  agentVersion: '0.1.0',
  standing: undefined,
  lkg: EDGE,
  accepted: EDGE,
  serving: '0123456789abcdef0123456789abcdef',
  certificates: [],
  answers: [],
  tunnel: {
    up: true,
    listenPort: 1,
    peers: [{ publicKey: KEY, allowedIps: [], keepaliveSeconds: 0, latestHandshake: NOW_MS / 1000 - 12 }],
  },
  usesTunnel: true,
  allow: '',
  droppedByOthers: 0,
  nowMs: NOW_MS,
};

const certificate = (hostname: string, notAfter: number) => ({
  hostname,
  notAfter,
  notBefore: 0,
  source: 'ordered' as const,
  fingerprint256: 'f',
  keptFrom: [],
});

describe('what status says', () => {
  it('of what somebody else had changed', () => {
    const what = ['set peer home', ...Array<string>(19).fill('x'.repeat(100))];
    const { facts, lines } = describeNode({ ...READING, restored: { at: '2026-11-22T10:00:00.500Z', what } });
    expect(facts).toMatchObject({ restored: { what } });
    const text = lines.join(' ').replace(/ +/g, ' ');
    expect(text).toMatch(/ restored set peer home, x[ x]+x, .*x and 15 more; at 2026-11-22T10:00:00Z/);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });

  it('of an edge whose orders go to the fallback CA', () => {
    const { facts, lines } = describeNode({ ...READING, caFallbackSinceMs: NOW_MS - 3_600_000 });
    expect(facts).toMatchObject({ caFallbackSince: '2029-12-31T23:00:00Z' });
    expect(lines.join(' ').replace(/ +/g, ' ')).toContain('orders go to acme.fallback since 2029-12-31T23:00:00Z');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(describeNode(READING).lines.join()).not.toContain('fallback');
  });

  it('of an edge', () => {
    const reading = {
      ...READING,
      certificates: [certificate('a.test', 2 * NOW_MS), certificate('b.test', NOW_MS - 1)],
    };
    expect(describeNode(reading).lines).toEqual([
      'node          tokyo-1 (edge)',
      `fingerprint   ${'abcd '.repeat(13).trim()}`,
      `              ${'abcd '.repeat(3).trim()}`,
      'agent         running',
      'state         not known yet',
      'last good     version 1, 612e74657374',
      'web server    serves release 0123456789ab',
      'hosts         2, 1 with a certificate',
      'waiting       no certificate yet: b.test',
      'tunnel        home: handshake 12 s ago',
    ]);
  });

  it('of certificates that end soon, and of those that nobody renews', () => {
    const own = { ...certificate('b.test', 2 * NOW_MS), source: 'imported' as const };
    const other = certificate('gone.test', NOW_MS + 1);
    const { facts, lines } = describeNode({
      ...READING,
      certificates: [own, other, certificate('a.test', NOW_MS + 1000)],
    });
    expect(lines.filter((line) => /ends/.test(line))).toEqual([
      'ends soon     a.test ends on 2030-01-01T00:00:01Z',
      'imported      b.test ends on 2090-01-01T00:00:00Z; not renewed here',
    ]);
    expect(facts).toMatchObject({
      certificatesEndingSoon: [{ hostname: 'a.test', notAfter: '2030-01-01T00:00:01Z', source: 'ordered' }],
      importedCertificates: [{ hostname: 'b.test', source: 'imported' }],
    });
  });

  it('of an imported certificate that this edge would order for its pool', () => {
    const lkg = edgeBundle(['a.test', 'b.test']);
    if (lkg.config.role !== 'edge') throw new Error('no edge');
    const member = { node: 'tokyo-1', recipient: 'age1x', signingKey: 'k' };
    const compromised = ['osaka-1/1'];
    lkg.config.edge = { ...lkg.config.edge, compromised, members: [{ ...member, node: 'nagoya-1' }, member] };
    lkg.chunks[0]!.routes[1]!.orderer = 'tokyo-1';
    const imported = ['a.test', 'b.test'].map((name) => ({
      ...certificate(name, 2 * NOW_MS),
      source: 'imported' as const,
    }));
    const said = () => describeNode({ ...READING, lkg, certificates: imported }).lines;
    const text = said().join(' ').replace(/ +/g, ' ');
    expect(text).toContain('b.test: this edge orders it for its pool and now does not, and osaka-1 had the key');
    expect(text).toContain('kokoa-agent certs forget NAME');
    expect(said().filter((line) => line.length > 80)).toEqual([]);
    lkg.config.edge.members = [member];
    expect(said().join()).not.toContain('orders it');
  });

  it('of certificates whose key a compromised edge had', () => {
    const lkg = { ...READING.lkg!, config: { ...READING.lkg!.config } };
    if (lkg.config.role === 'edge') lkg.config.edge = { ...lkg.config.edge, compromised: ['osaka-1/1', 'osaka-2/4'] };
    const clean = { ...certificate('b.test', 2 * NOW_MS), keptFrom: ['osaka-1/1', 'osaka-2/4'] };
    const old = { ...certificate('a.test', 2 * NOW_MS), keptFrom: ['osaka-1/1'] };
    const { facts, lines } = describeNode({ ...READING, lkg, certificates: [clean, old] });
    expect(lines.filter((line) => line.startsWith('exposed'))).toEqual([
      'exposed       osaka-2 had the key, to be ordered anew: a.test',
    ]);
    expect(facts).toMatchObject({ exposedCertificates: ['a.test'] });
  });

  it('of hosts that changed: what visitors got, those without an answer first', () => {
    const since = '2029-12-31T23:59:58.123Z';
    const answers = [
      { hostname: 'b.test', status: 302, since },
      { hostname: 'a.test', failure: 'timeout: no answer within 5 s', since },
    ];
    const { lines, facts } = describeNode({ ...READING, answers });
    expect(lines.filter((line) => line.startsWith('answer'))).toEqual([
      'answer        a.test: timeout: no answer within 5 s, since 2029-12-31T23:59:58Z',
      'answer        b.test: 302, since 2029-12-31T23:59:58Z',
    ]);
    expect(facts.answers).toEqual(answers);
    const many = Array.from({ length: 100 }, (_, index) => ({
      hostname: `h${index}.${'x'.repeat(200)}.test`,
      status: 200,
      since,
    }));
    const shown = describeNode({ ...READING, answers: many }).lines;
    expect(shown).toContain('              and 92 more of the last 100 changed hosts');
    expect(shown.filter((line) => line.length > 80)).toEqual([]);
  });

  it('of an origin', () => {
    const origin = originBundle([8080]);
    const reading = {
      ...READING,
      node: 'home',
      lkg: origin,
      accepted: origin,
      serving: undefined,
      tunnel: undefined,
      allow: '8080',
    };
    expect(describeNode(reading).lines.slice(5)).toEqual([
      'last good     version 1, 6f726967696e',
      'allows        8080',
      'tunnel        home: no handshake yet',
    ]);
    expect(describeNode(reading).facts).toMatchObject({ role: 'origin', allow: '8080' });
    expect(describeNode(reading).facts).not.toHaveProperty('hosts');
    expect(describeNode({ ...reading, droppedByOthers: 3 }).lines).toContain(
      'warning       another packet filter of this machine (Docker’s?) drops what edges',
    );
  });

  it('of a machine that joined and applied nothing yet', () => {
    const reading = { ...READING, lkg: undefined, accepted: undefined, serving: undefined, agentRuns: false };
    expect(describeNode(reading).lines.slice(3)).toEqual([
      'agent         not running: start `kokoa-agent run`',
      'state         not known yet',
      'last good     none yet: nothing was applied',
    ]);
  });

  it.each([
    ['suspended', 'has suspended this node: nothing new comes, what is served stays'],
    ['unauthorized', 'does not take the token of this node'],
    ['unreachable', 'does not answer'],
  ] as const)('of a control plane that is %s to it', (kind, words) => {
    const since = new Date(NOW_MS - 300_000).toISOString();
    const unheard = { kind, since, reason: 'control.test: status 4xx' };
    const standing: KeptStanding = { agentVersion: '1', state: 'applied', since, leftOut: [], unheard };
    const text = (agentRuns: boolean) => describeNode({ ...READING, agentRuns, standing }).lines.join(' ');
    const said = (agentRuns: boolean) =>
      /control plane (.*?) +last good/.exec(text(agentRuns))![1]!.replace(/ +/g, ' ');
    expect(said(true)).toBe(`${words}, since ${since.slice(0, 19)}Z (5 min): control.test: status 4xx`);
    expect(said(false)).toBe(`${words}, when the agent ended: control.test: status 4xx`);
    expect(describeNode({ ...READING, standing }).facts.controlPlane).toEqual(unheard);
  });

  it('of certificates that do not come, and of the root', () => {
    const unobtained = [{ hostname: 'b.test', reason: 'acme_unreachable: the CA does not answer' }];
    const since = new Date(NOW_MS).toISOString();
    const standing: KeptStanding = { agentVersion: '1', state: 'applied', since, leftOut: [], unobtained };
    const { lines, facts } = describeNode({ ...READING, standing, rootVersion: 2 });
    expect(lines).toContain('certificate   b.test: acme_unreachable: the CA does not answer');
    expect(lines).toContain('root          version 2');
    expect(facts).toMatchObject({ unobtained, rootVersion: 2 });
    expect(describeNode({ ...READING, rootVersion: 0 }).lines.join()).not.toContain('root  ');
  });

  it('of other edges that are down, as long as somebody looks', () => {
    const since = new Date(NOW_MS - 300_000).toISOString();
    const checks = [
      { node: 'tokyo-2', up: false, since, reason: 'timeout: no answer within 1500 ms' },
      { node: 'tokyo-3', up: true, since },
    ];
    const standing: KeptStanding = { agentVersion: '1', state: 'applied', since, leftOut: [], checks };
    const said = (agentRuns: boolean) => describeNode({ ...READING, standing, agentRuns });
    const words = `edge          tokyo-2 is down since ${since.slice(0, 19)}Z (5 min): timeout: no answer`;
    expect(said(true).lines.join('\n').replace(/\n +/g, ' ')).toContain(words);
    expect(said(true).lines.join()).not.toContain('tokyo-3');
    expect(said(true).facts).toMatchObject({ checks });
    expect(said(false).lines.join()).not.toContain('tokyo-2');
  });

  it('of backends that are down, as long as somebody asks', () => {
    const since = new Date(NOW_MS - 300_000).toISOString();
    const one = { address: '10.100.1.1', check: 'tcp', up: false, since, reason: 'timeout: no answer' } as const;
    const first = Array.from({ length: 7 }, (_, port) => ({
      ...one,
      port: 8080 + port,
      ...(port === 0 && { withdrawn: true as const }),
    }));
    const backendsDown = { count: 30, first };
    const standing: KeptStanding = { agentVersion: '1', state: 'applied', since, leftOut: [], backendsDown };
    const said = (agentRuns: boolean) => describeNode({ ...READING, standing, agentRuns });
    const text = said(true).lines.join('\n').replace(/\n +/g, ' ');
    const down = `is down since ${since.slice(0, 19)}Z (5 min): timeout: no answer`;
    expect(text).toContain(`backend       10.100.1.1:8080 ${down}; visitors are sent to others`);
    expect(text).toContain(`backend       10.100.1.1:8081 ${down}\n`);
    expect(text).not.toContain('8085');
    expect(text).toContain('and 25 more');
    expect(said(true).facts).toMatchObject({ backendsDown });
    expect(said(false).lines.join()).not.toContain('10.100.1.1');
  });

  it('of backends that fail requests, as long as somebody looks', () => {
    const since = new Date(NOW_MS - 300_000).toISOString();
    const first = Array.from({ length: 6 }, (_, nth) => ({ backend: `10.100.1.1:${8080 + nth}`, since }));
    const backendsFailing = { count: 6, first };
    const standing: KeptStanding = { agentVersion: '1', state: 'applied', since, leftOut: [], backendsFailing };
    const said = (agentRuns: boolean) => describeNode({ ...READING, standing, agentRuns });
    const text = said(true).lines.join('\n').replace(/\n +/g, ' ');
    expect(text).toContain(`backend       10.100.1.1:8080 fails requests since ${since.slice(0, 19)}Z (5 min)\n`);
    expect(text).not.toContain('8085');
    expect(text).toContain('and 1 more');
    expect(said(true).facts).toMatchObject({ backendsFailing });
    expect(said(false).lines.join()).not.toContain('10.100.1.1');
  });

  it('of one that nobody has spoken to for too long', () => {
    const { lines, facts } = describeNode({ ...READING, nowMs: NOW_MS + 3_600_001 });
    expect(lines.join('\n')).toContain('stale         no word from the control plane is good since');
    expect(facts.staleSince).toBe('2030-01-01T01:00:00Z');
    expect(describeNode(READING).facts.staleSince).toBeUndefined();
  });

  it('of a bundle that was accepted and not applied', () => {
    const accepted = edgeBundle(['c.test'], { version: 7 });
    expect(describeNode({ ...READING, accepted }).lines).toContain(
      'accepted      version 7, 632e74657374, not applied',
    );
  });

  it('how it stands, since when, why, and what is left out; in the past tense without an agent', () => {
    const standing: KeptStanding = {
      ...{
        agentVersion: '0.1.0',
        state: 'degraded',
        since: '2029-12-31T21:00:00.000Z',
        reason: 'b.test: nginx refuses it',
      },
      leftOut: [{ name: 'b.test', reason: 'nginx refuses it' }],
    };
    const { lines, facts } = describeNode({ ...READING, standing });
    expect(lines.slice(4, 7)).toEqual([
      'state         degraded since 2029-12-31T21:00:00Z (3 h): b.test: nginx refuses',
      '              it',
      'left out      b.test: nginx refuses it',
    ]);
    expect(facts).toMatchObject({ state: 'degraded', stateSince: standing.since, reason: standing.reason });
    expect(facts).toMatchObject({ leftOut: standing.leftOut });
    expect(describeNode({ ...READING, agentRuns: false, standing }).lines[4]).toMatch(/^state {9}was degraded since/);
  });

  it('that what it announced is not accepted, with the words of the control plane', () => {
    const unbound =
      'another WireGuard key is bound; raise generation above 1 with a new token: kokoa origin token home';
    const since = '2029-12-31T21:00:00.000Z';
    const { lines, facts } = describeNode({
      ...READING,
      standing: { agentVersion: '0', state: 'applied', since, leftOut: [], unbound },
    });
    const at = lines.findIndex((line) => line.startsWith('announced'));
    expect(lines.slice(at, at + 3)).toEqual([
      'announced     not accepted: another WireGuard key is bound; raise generation',
      '              above 1 with a new token: kokoa origin token home',
      expect.stringMatching(/^last good/),
    ]);
    expect(facts).toMatchObject({ unbound });
  });

  it.each([
    [0, ' (0 s)'],
    [119, ' (119 s)'],
    [120, ' (2 min)'],
    [7_199, ' (119 min)'],
    [7_200, ' (2 h)'],
    [172_799, ' (47 h)'],
    [864_000, ' (10 d)'],
    [-5, ''],
  ])('a state of %i seconds as%s', (seconds, shown) => {
    const since = new Date(NOW_MS - seconds * 1000).toISOString();
    const standing: KeptStanding = { agentVersion: '0', state: 'applied', since, leftOut: [] };
    expect(describeNode({ ...READING, standing }).lines[4]).toBe(
      `state         applied since ${since.replace('.000', '')}${shown}`,
    );
  });

  it('fits into 80 columns, whatever the names', () => {
    const long = `${'n'.repeat(63)}`;
    const names = Array.from(
      { length: 9 },
      (_, index) => `${index}${'x'.repeat(60)}.${'y'.repeat(60)}.${'z'.repeat(60)}.test`,
    );
    const peers = [{ node: long, publicKey: KEY, address: '10.100.1.1' }];
    const lkg = edgeBundle(names, { config: { wireguard: { address: '10.100.0.1', peers } } });
    const allow = Array.from({ length: 50 }, (_, index) => String(10_000 + index * 2)).join(',');
    const leftOut = names.map((name) => ({ name, reason: 'r'.repeat(300) }));
    const since = '2029-12-31T21:00:00.000Z';
    const standing: KeptStanding = { agentVersion: '0', state: 'degraded', since, reason: 'x'.repeat(300), leftOut };
    const edge = describeNode({ ...READING, node: long, lkg, accepted: lkg, standing }).lines;
    const origin = describeNode({ ...READING, node: long, lkg: originBundle([1]), allow }).lines;
    expect([...edge, ...origin].filter((line) => line.length > 80)).toEqual([]);
    expect(edge.map((line) => line.slice(14)).join(' ')).toContain('and 4 more');
    expect(origin.map((line) => line.slice(14)).join('')).toContain(allow);
  });
});
