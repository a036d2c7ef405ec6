import { beforeEach, describe, expect, it } from 'vitest';
import { sha256Hex } from '../bundle/canonical.ts';
import type { VerifyCode } from '../bundle/refusal.ts';
import { type Joining, join } from './join.ts';
import { createFakeControl, type FakeControl } from './loop-control.fixture.ts';
import { createFakeNode, type FakeNode } from './node.fixture.ts';
import type { Unavailable } from './ports/control-plane.ts';
import { edgeBundle, NOW_MS } from './verified.fixture.ts';

const BUNDLE = edgeBundle(['a.test']);

let node: FakeNode;
let plane: FakeControl;
let said: string[];
let stop: AbortController;

beforeEach(async () => {
  node = await createFakeNode();
  plane = createFakeControl();
  said = [];
  stop = new AbortController();
});

const ROOT = 'the first root';
const FINGERPRINT = sha256Hex(ROOT);

function start(folder: 'edges' | 'origins' = 'edges', change: Partial<Joining> = {}) {
  const say = (line: string) => void said.push(line);
  const enrolment = { wireguardPublicKey: 'w', signingKey: 's', formats: [1] };
  const { trusted } = node.machine;
  return join(
    {
      ...{ node: 'tokyo-1', folder, control: plane.control, trusted, enrolment, now: () => NOW_MS, say, retryMs: 2 },
      firstRoot: async () => ({ kind: 'root', text: ROOT }),
      fingerprint: FINGERPRINT,
      ...change,
    },
    stop.signal,
  );
}

/** Answers the first `count` announcements like this, then as usual. */
function atFirst(count: number, answer: Unavailable): void {
  let left = count;
  plane.instead.report = async () => {
    left -= 1;
    return left >= 0 ? answer : { kind: 'answered', answer: plane.answer };
  };
}

describe('joining', () => {
  it('ends with the first bundle that verifies', async () => {
    plane.publish(node.offer(BUNDLE));
    expect(await start()).toEqual({ kind: 'joined', bundle: BUNDLE });
    expect(plane.reports[0]).toMatchObject({ state: 'waiting', enrolment: { signingKey: 's' } });
    expect(plane.queries[0]).toEqual({ root: 0, waitSeconds: 0 });
  });

  it.each([
    [
      'edges',
      'waiting for edges/tokyo-1.yaml (or origins/tokyo-1.yaml) on main, or the token is not the newest of tokyo-1: status 401',
    ],
    [
      'origins',
      'waiting for origins/tokyo-1.yaml (or edges/tokyo-1.yaml) on main, or the token is not the newest of tokyo-1: status 401',
    ],
  ] as const)('waits for its file in %s, and says so once', async (folder, line) => {
    plane.publish(node.offer(BUNDLE));
    atFirst(5, { kind: 'unauthorized', message: 'status 401' });
    expect(await start(folder)).toMatchObject({ kind: 'joined' });
    expect(said).toEqual([line, 'git knows this node, and the control plane took its keys']);
    expect(plane.reports.length).toBe(6);
  });

  it.each([
    ['suspended', 'status 403', 'waiting: tokyo-1 is suspended in git: status 403'],
    ['unreachable', 'ECONNREFUSED', 'waiting for the control plane: ECONNREFUSED'],
    [
      ...(['unreachable', 'control:8443: CERT_NOT_YET_VALID'] as const),
      'waiting: control:8443: CERT_NOT_YET_VALID, says the clock of this machine, 2030-01-01T00:00 UTC; set it (timedatectl), unless it is right',
    ],
    [
      ...(['unreachable', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'] as const),
      'waiting for the control plane: UNABLE_TO_VERIFY_LEAF_SIGNATURE; is --ca the file of its CA?',
    ],
  ] as const)('waits while it is %s (%s)', async (kind, message, line) => {
    plane.publish(node.offer(BUNDLE));
    atFirst(3, kind === 'unreachable' ? { kind, message, retryAfterMs: 0 } : { kind, message });
    await start();
    expect(said[0]).toBe(line);
  });

  it('names one file where its owner said what the machine is for', async () => {
    plane.publish(node.offer(BUNDLE));
    atFirst(1, { kind: 'unauthorized', message: 'status 401' });
    await start('origins', { roleIsTold: true });
    expect(said[0]).toBe(
      'waiting for origins/tokyo-1.yaml on main, or the token is not the newest of tokyo-1: status 401',
    );
  });

  it('ends before it announces anything where the control plane stands on another root', async () => {
    plane.publish(node.offer(BUNDLE));
    expect(await start('edges', { fingerprint: 'f'.repeat(64) })).toEqual({
      ...{ kind: 'refused', code: 'foreign_root' },
      detail: `root 1 has fingerprint ${FINGERPRINT}, pinned is ${'f'.repeat(64)}; the token was not sent`,
    });
    expect([plane.reports, plane.queries]).toEqual([[], []]);
  });

  it('announces nothing while no root is shown, and asks for it once', async () => {
    plane.publish(node.offer(BUNDLE));
    let asked = 0;
    const announcedBefore: number[] = [];
    atFirst(2, { kind: 'unauthorized', message: 'status 401' });
    const firstRoot: Joining['firstRoot'] = async () => {
      asked += 1;
      announcedBefore.push(plane.reports.length);
      if (asked < 3) return { kind: 'unreachable', message: 'status 404', retryAfterMs: 0 };
      return { kind: 'root', text: ROOT };
    };
    expect(await start('edges', { firstRoot })).toMatchObject({ kind: 'joined' });
    expect([asked, announcedBefore, said[0]]).toEqual([3, [0, 0, 0], 'waiting for the control plane: status 404']);
  });

  it('waits for the first publication', async () => {
    setTimeout(() => plane.publish(node.offer(BUNDLE)), 30);
    expect(await start()).toMatchObject({ kind: 'joined' });
    expect(said).toContain('waiting for the first bundle: nothing is published yet');
  });

  it('does not repeat lines that alternate', async () => {
    let count = 0;
    plane.instead.report = async () => {
      count += 1;
      if (count > 12) stop.abort();
      return { kind: 'unreachable', message: count % 2 ? 'ECONNREFUSED' : 'ETIMEDOUT', retryAfterMs: 0 };
    };
    expect(await start()).toMatchObject({ kind: 'refused', code: 'interrupted' });
    expect(said).toHaveLength(2);
  });

  it('ends at once when it is interrupted, also while an answer hangs', async () => {
    plane.instead.report = () => new Promise(() => undefined);
    setTimeout(() => stop.abort(), 20);
    expect(await start()).toMatchObject({ kind: 'refused', code: 'interrupted' });
    expect(said).toEqual([]);
  });

  it('ends when another machine holds the slot', async () => {
    Object.assign(plane.answer, { bound: false, reason: 'bound to other keys since 2029' });
    expect(await start()).toEqual({ kind: 'refused', code: 'not_bound', detail: 'bound to other keys since 2029' });
    expect(plane.queries).toEqual([]);
  });

  it.each(['foreign_root', 'wrong_node', 'bad_signature', 'unknown_format', 'malformed'] satisfies VerifyCode[])(
    'ends with a bundle that is %s: no waiting helps',
    async (code) => {
      plane.publish(node.refuse('forged', code));
      expect(await start()).toMatchObject({ kind: 'refused', code });
    },
  );

  it.each([
    ['expired', /^waiting: the bundle has expired, says the clock of this machine, 2030-01-01T00:00 UTC; set it/],
    ['mixed_versions', /^waiting for a bundle that verifies: /],
    ['rollback', /^waiting for a bundle that verifies: /],
  ] as const)('waits while the bundle is %s', async (code, line) => {
    plane.publish(node.refuse('passing', code));
    setTimeout(() => plane.publish(node.offer(BUNDLE)), 30);
    expect(await start()).toMatchObject({ kind: 'joined' });
    expect(said.filter((found) => line.test(found))).toHaveLength(1);
  });
});
