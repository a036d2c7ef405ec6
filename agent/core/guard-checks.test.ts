// Whom an edge may be told to watch.
import { describe, expect, test } from 'vitest';
import type { EdgeCheck } from '../../bundle/config.ts';
import { edgeConfig } from '../../bundle/installation.fixture.ts';
import { guardConfig } from './guard.ts';

const check = (change: Partial<EdgeCheck>): EdgeCheck => ({
  ...{ node: 'tokyo-2', addresses: ['203.0.113.2'], intervalMs: 3000, timeoutMs: 2000, healthy: 2, unhealthy: 3 },
  ...change,
});

function judged(change: Partial<EdgeCheck>, allowLoopback = false) {
  const config = edgeConfig('tokyo-1', []);
  config.edge.checks = [check({}), check({ node: 'tokyo-3', ...change })];
  const verdict = guardConfig(config, [], undefined, { allowLoopback });
  return verdict.ok ? 'good' : verdict.code;
}

describe('a check of another edge', () => {
  test.each([
    ['198.51.100.11', 'good'],
    ['8.8.8.8', 'good'],
    ['2001:db8::11', 'good'],
    ['2a00:1450::1', 'good'],
    ['10.100.1.1', 'check_not_public'],
    ['10.1.2.3', 'check_not_public'],
    ['192.168.1.1', 'check_not_public'],
    ['169.254.169.254', 'check_not_public'],
    ['100.64.0.1', 'check_not_public'],
    ['127.0.0.1', 'check_not_public'],
    ['0.0.0.0', 'check_not_public'],
    ['224.0.0.1', 'check_not_public'],
    ['255.255.255.255', 'check_not_public'],
    ['08.8.8.8', 'check_not_public'],
    ['134744072', 'check_not_public'],
    ['localhost', 'check_not_public'],
    ['::1', 'check_not_public'],
    ['fe80::1', 'check_not_public'],
    ['fd00::1', 'check_not_public'],
    ['::ffff:10.0.0.1', 'check_not_public'],
    ['64:ff9b::a00:1', 'check_not_public'],
    ['2002:a00:1::', 'check_not_public'],
  ])('at %s is %s', (address, expected) => {
    expect(judged({ addresses: [address] })).toBe(expected);
    expect(judged({ addresses: ['198.51.100.11', address] })).toBe(expected);
  });

  test('is never one of the node itself', () => {
    expect(judged({ node: 'tokyo-1' })).toBe('check_of_itself');
  });

  test('may be on loopback in a fleet on one machine, but not in its tunnels', () => {
    expect(judged({ addresses: ['127.0.0.1'] }, true)).toBe('good');
    expect(judged({ addresses: ['10.100.1.1'] }, true)).toBe('check_not_public');
  });
});
