import { describe, expect, it } from 'vitest';
import type { EdgeConfig } from '../bundle/config.ts';
import { metricsText } from './adapters/metrics-text.ts';
import type { Reading } from './describe.ts';
import { measureNode } from './measure.ts';
import { edgeBundle, NOW_MS } from './verified.fixture.ts';

const EDGE = edgeBundle(['a.test', 'b.test']);
const READING: Reading = {
  node: 'tokyo-1',
  fingerprint: 'abcd',
  agentRuns: true,
  agentVersion: '0.1.0',
  standing: {
    agentVersion: '0.1.0',
    state: 'degraded',
    since: '2029-12-31T23:00:00.000Z',
    leftOut: [{ name: 'b.test', reason: 'r' }],
  },
  lkg: EDGE,
  accepted: edgeBundle(['c.test'], { version: 7 }),
  serving: 'r',
  certificates: [
    {
      hostname: 'a.test',
      notAfter: NOW_MS + 9_000,
      notBefore: 0,
      source: 'ordered',
      fingerprint256: 'f',
      keptFrom: [],
    },
    {
      hostname: 'b.test',
      notAfter: NOW_MS - 5_000,
      notBefore: 0,
      source: 'ordered',
      fingerprint256: 'f',
      keptFrom: [],
    },
  ],
  rootVersion: 2,
  answers: [],
  tunnel: {
    up: true,
    listenPort: 1,
    peers: [
      {
        ...{ publicKey: `${'A'.repeat(43)}=`, allowedIps: [], keepaliveSeconds: 0 },
        latestHandshake: NOW_MS / 1000 - 12,
      },
    ],
  },
  usesTunnel: true,
  allow: '',
  droppedByOthers: 0,
  nowMs: NOW_MS,
};

const values = async (reading: Reading) =>
  (await metricsText(measureNode(reading))).split('\n').filter((line) => line !== '' && !line.startsWith('#'));

describe('the numbers of a node', () => {
  it('say all that status says', async () => {
    expect(await values(READING)).toEqual([
      'kokoa_agent_running{node="tokyo-1",version="0.1.0"} 1',
      ...['waiting', 'converging', 'applied'].map((state) => `kokoa_agent_state{state="${state}"} 0`),
      'kokoa_agent_state{state="degraded"} 1',
      ...['refused', 'rolled_back', 'stale'].map((state) => `kokoa_agent_state{state="${state}"} 0`),
      `kokoa_agent_state_since_timestamp_seconds ${NOW_MS / 1000 - 3600}`,
      'kokoa_agent_parts_left_out 1',
      'kokoa_agent_bundle_version{which="last_good"} 1',
      'kokoa_agent_bundle_version{which="accepted"} 7',
      'kokoa_agent_root_version 2',
      `kokoa_agent_vouched_until_timestamp_seconds ${NOW_MS / 1000 + 3600}`,
      'kokoa_agent_hosts 2',
      'kokoa_agent_hosts_without_certificate 1',
      `kokoa_agent_certificates_end_timestamp_seconds ${NOW_MS / 1000 - 5}`,
      'kokoa_agent_certificates_ending 1',
      'kokoa_agent_certificates_exposed 0',
      'kokoa_agent_backends_down 0',
      'kokoa_agent_backends_failing 0',
      'kokoa_agent_tunnel_handshake_age_seconds{peer="home"} 12',
    ]);
  });

  it('say whether the fallback CA is used, where there is one', async () => {
    const fallback = { server: 'https://other.test/dir' };
    const config = EDGE.config as EdgeConfig;
    const edge = { ...config.edge, acme: { ...config.edge.acme, fallback } };
    const lkg = { ...EDGE, config: { ...config, edge } };
    expect(await values({ ...READING, lkg })).toContain('kokoa_agent_ca_fallback 0');
    expect(await values({ ...READING, lkg, caFallbackSinceMs: NOW_MS })).toContain('kokoa_agent_ca_fallback 1');
    expect((await values(READING)).join()).not.toContain('kokoa_agent_ca_fallback');
  });

  it('say which other edges serve, as long as somebody looks', async () => {
    const since = '2030-01-01T00:00:00.000Z';
    const checks = [
      { node: 'tokyo-2', up: true, since },
      { node: 'tokyo-3', up: false, since, reason: 'timeout' },
    ];
    const standing = { ...READING.standing!, checks };
    const found = await values({ ...READING, standing, agentRuns: true });
    expect(found).toContain('kokoa_agent_peer_up{node="tokyo-2"} 1');
    expect(found).toContain('kokoa_agent_peer_up{node="tokyo-3"} 0');
    expect((await values({ ...READING, standing, agentRuns: false })).join()).not.toContain('peer_up');
  });

  it('leave out what is not known', async () => {
    const nothing = {
      standing: undefined,
      lkg: undefined,
      accepted: undefined,
      certificates: [],
      agentRuns: false,
      rootVersion: 0,
    };
    expect(await values({ ...READING, ...nothing })).toEqual([
      'kokoa_agent_running{node="tokyo-1",version="0.1.0"} 0',
      'kokoa_agent_hosts 0',
      'kokoa_agent_hosts_without_certificate 0',
      'kokoa_agent_certificates_ending 0',
      'kokoa_agent_certificates_exposed 0',
    ]);
    const silent = { ...READING, tunnel: undefined };
    expect((await values(silent)).join()).not.toContain('handshake');
  });

  it('hold no hostname, and whatever a label holds is escaped', async () => {
    expect((await values(READING)).join()).not.toContain('.test');
    const text = await metricsText([{ name: 'a', help: 'h\n2', values: [{ labels: { x: 'q"\\\nend' }, value: 1 }] }]);
    expect(text).toContain('a{x="q\\"\\\\\\nend"} 1');
    expect(text.split('\n').filter((line) => !/^(#|a\{|$)/.test(line))).toEqual([]);
  });
});
