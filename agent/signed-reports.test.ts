// How a node numbers and signs what it says, over restarts and clocks that go back.
import { generateKeyPairSync } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { isSignedReport } from '../bundle/announcement.ts';
import type { StatusReport } from '../bundle/api.ts';
import { createFakeControl, type FakeControl } from './loop-control.fixture.ts';
import { AHEAD_MS_MAX, withSignedReports } from './signed-reports.ts';

const { privateKey: signingKey, publicKey } = generateKeyPairSync('ed25519');
const REPORT: StatusReport = {
  agentVersion: '1',
  state: 'applied',
  enrolment: { wireguardPublicKey: 'w', signingKey: publicKey.export({ format: 'jwk' }).x!, formats: [1] },
};

let plane: FakeControl;
let nowMs: number;
const agent = () => withSignedReports(plane.control, { node: 'tokyo-1', signingKey, now: () => nowMs });
const numbers = () => plane.reports.map(({ sequence }) => sequence);

beforeEach(() => {
  plane = createFakeControl();
  nowMs = 1_000;
});

/** As the reconciler does: only what is newer than all before is taken. */
function judge(start: number): void {
  let newest = start;
  plane.instead.report = async () => {
    const { sequence = 0 } = plane.reports.at(-1)!;
    if (sequence <= newest) return { kind: 'answered', answer: { bound: false, reason: 'older', newest } };
    newest = sequence;
    return { kind: 'answered', answer: { bound: true } };
  };
}

test('every report is signed for the node, and its number is larger than the one before', async () => {
  const control = agent();
  for (const at of [1_000, 1_000, 990, 5_000]) {
    nowMs = at;
    await control.report(REPORT);
  }
  expect(numbers()).toEqual([1_000, 1_001, 1_002, 5_000]);
  expect(plane.reports.map((report) => isSignedReport(report, 'tokyo-1'))).toEqual([true, true, true, true]);
});

test('a clock that went back over a restart is made good with one more post', async () => {
  judge(9_000_000);
  const control = agent();
  expect(await control.report(REPORT)).toMatchObject({ answer: { bound: true } });
  await control.report(REPORT);
  expect(numbers()).toEqual([1_000, 9_000_001, 9_000_002]);
});

test('what is refused for another reason, or by somebody who repeats himself, is not posted again and again', async () => {
  plane.instead.report = async () => ({ kind: 'answered', answer: { bound: false, reason: 'another key' } });
  await agent().report(REPORT);
  plane.instead.report = async () => ({ kind: 'answered', answer: { bound: false, newest: 5 } });
  await agent().report(REPORT);
  plane.instead.report = async () => ({ kind: 'answered', answer: { bound: false, newest: 1e13 } });
  expect(await agent().report(REPORT)).toMatchObject({ answer: { bound: false } });
  expect(plane.reports.length).toBe(1 + 1 + 2);
});

test('who lies about the newest number gets no report with one that leaves none above it, and the next control plane hears the node', async () => {
  const control = agent();
  plane.instead.report = async () => ({ kind: 'answered', answer: { bound: false, newest: 2 ** 52 - 2 } });
  await control.report(REPORT);
  plane.instead.report = async () => ({ kind: 'answered', answer: { bound: false, newest: nowMs + AHEAD_MS_MAX } });
  await control.report(REPORT);
  const stolen = Math.max(...numbers().map((number) => number ?? 0));
  expect(stolen).toBeLessThan(2 ** 45);
  nowMs += 60_000;
  judge(stolen);
  expect(await agent().report(REPORT)).toMatchObject({ answer: { bound: true } });
});
