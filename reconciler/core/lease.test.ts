// When an edge may order a certificate.
import { expect, it } from 'vitest';
import { decideLease, HEALTHY_SILENCE_MS, type LeaseEdge, type LeaseRequest } from './lease.ts';

const nowMs = 1_000_000_000;

function edge(node: string, change: Partial<LeaseEdge> = {}): LeaseEdge {
  return { node, state: 'active', lastSeenMs: nowMs - 1000, answersFor: { orderer: 'a', thumbprint: 't' }, ...change };
}

function decide(edges: LeaseEdge[], change: Partial<LeaseRequest> = {}) {
  return decideLease({ node: 'a', orderer: 'a', thumbprint: 't', edges, nowMs, ...change });
}

it.each<[string, LeaseEdge[]]>([
  ['every edge answers for it', [edge('a'), edge('b')]],
  ['it is alone', [edge('a')]],
  [
    'the one that does not answer was silent for long',
    [edge('a'), edge('b', { answersFor: undefined, lastSeenMs: nowMs - HEALTHY_SILENCE_MS })],
  ],
  [
    'the one that does not answer was never heard of',
    [edge('a'), edge('b', { answersFor: undefined, lastSeenMs: undefined })],
  ],
  ['the one that does not answer is suspended', [edge('a'), edge('b', { answersFor: undefined, state: 'suspended' })]],
  ['the one that does not answer is revoked', [edge('a'), edge('b', { answersFor: undefined, state: 'revoked' })]],
])('grants when %s', (_, edges) => {
  expect(decide(edges)).toEqual({ kind: 'grant' });
});

it.each<[string, LeaseEdge]>([
  ['does not have the host yet', edge('b', { answersFor: undefined })],
  ['names another orderer', edge('b', { answersFor: { orderer: 'b', thumbprint: 'u' } })],
  ['knows another account of it', edge('b', { answersFor: { orderer: 'a', thumbprint: 'old' } })],
  ['knows no account of it', edge('b', { answersFor: { orderer: 'a', thumbprint: undefined } })],
  ['is draining and does not have the host', edge('b', { answersFor: undefined, state: 'draining' })],
  ['was seen just inside the limit', edge('b', { answersFor: undefined, lastSeenMs: nowMs - HEALTHY_SILENCE_MS + 1 })],
])('waits for an edge that %s, and says its name', (_, behind) => {
  expect(decide([edge('a'), behind])).toMatchObject({
    kind: 'refuse',
    reason: expect.stringContaining(' b '),
    retryAfterMs: 500,
  });
});

it('waits for the asking edge itself too', () => {
  expect(decide([edge('a', { answersFor: undefined }), edge('b')])).toMatchObject({ kind: 'refuse' });
});

it.each<[string, Partial<LeaseRequest>, string]>([
  ['another edge orders the host', { orderer: 'b' }, 'b orders'],
  ['nobody orders the host', { orderer: undefined }, 'no edge'],
  ['no config names its account yet', { thumbprint: undefined }, 'ACME account of a'],
])('refuses when %s', (_, change, reason) => {
  expect(decide([edge('a'), edge('b')], change)).toMatchObject({
    kind: 'refuse',
    reason: expect.stringContaining(reason),
  });
});
