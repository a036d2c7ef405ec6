import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { POST_BYTES_MAX } from '../../bundle/limits.ts';
import { composeReport, tunnelAges } from './status-report.ts';

const BASE = {
  agentVersion: '1.0.0',
  state: 'applied' as const,
  enrolment: { wireguardPublicKey: 'w', signingKey: 's', formats: [1] },
};

describe('a composed report', () => {
  it('holds no lists that a node has not', () => {
    expect(composeReport({ ...BASE, unserved: [] })).toEqual(BASE);
  });

  it('fits into one post, whatever the node holds, and keeps what comes first', () => {
    const hostname = fc.integer({ min: 0, max: 20_000 }).map((n) => `${n}.${'x'.repeat(200)}.test`);
    const lists = fc.record({
      quarantined: fc.integer({ min: 0, max: 3_000 }),
      certificates: fc.integer({ min: 0, max: 3_000 }),
      tunnels: fc.integer({ min: 0, max: 6_000 }),
      answers: fc.integer({ min: 0, max: 100 }),
      name: hostname,
    });
    fc.assert(
      fc.property(lists, ({ quarantined, certificates, tunnels, answers, name }) => {
        const report = composeReport({
          ...BASE,
          unserved: [],
          quarantined: Array.from({ length: quarantined }, (_, i) => ({
            hostname: `${i}.${name}`,
            reason: 'r'.repeat(300),
          })),
          certificates: Array.from({ length: certificates }, (_, i) => ({
            hostname: `${i}.${name}`,
            notAfter: '2030-01-01T00:00:00Z',
          })),
          answers: Array.from({ length: answers }, (_, i) => ({
            hostname: `${i}.${name}`,
            failure: 'f'.repeat(200),
            since: '2030-01-01T00:00:00Z',
          })),
          tunnels: Array.from({ length: tunnels }, (_, i) => ({ node: `n${i}`, handshakeAgeSeconds: null })),
        });
        expect(Buffer.byteLength(JSON.stringify(report))).toBeLessThanOrEqual(POST_BYTES_MAX);
        expect(report.answers).toHaveLength(answers);
        if (certificates > 0) expect(report.certificates?.[0]?.hostname).toBe(`0.${name}`);
      }),
      { numRuns: 30 },
    );
  });
});

describe('tunnel ages', () => {
  it.each([
    ['never', undefined, null],
    ['never, as the kernel says it', 0, null],
    ['seconds ago', 1_000, 60],
    ['in the future, by a clock that was set back', 2_000, 0],
  ])('of a handshake %s', (_, latestHandshake, age) => {
    const peer = { node: 'home', publicKey: 'k', address: '10.100.1.1' };
    const state =
      latestHandshake === undefined
        ? undefined
        : { up: true, listenPort: 1, peers: [{ ...peer, allowedIps: [], keepaliveSeconds: 0, latestHandshake }] };
    expect(tunnelAges([peer], state, 1_060_000)).toEqual([{ node: 'home', handshakeAgeSeconds: age }]);
  });
});
