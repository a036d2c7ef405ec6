// What `status` says of who may have the pool's keys.
import { expect, test } from 'vitest';
import { ESCROW_NAME } from '../bundle/api.ts';
import { describeRecipients } from './describe-recipients.ts';

const KEYS = { recipient: `age1${'q'.repeat(58)}`, signingKey: 'x' };
const SINCE = '2026-11-22T10:00:00.000Z';

test('shows the own pool key, and of strangers the command that approves them without what it has to be compared with', () => {
  const { lines, facts } = describeRecipients({
    ...{
      poolFingerprint: 'abcd '.repeat(16).trim(),
      recipient: `age1${'z'.repeat(58)}`,
      approvedBy: 'kokoa-agent approve',
    },
    strangers: [
      { name: 'kyoto-1', ...KEYS, since: SINCE, given: true },
      { name: ESCROW_NAME, ...KEYS, signingKey: '', since: SINCE },
    ],
  });
  const text = lines.map((line) => line.trim()).join(' ');
  expect(text).toContain('pool key      abcd abcd');
  expect(text).toContain('kyoto-1, new since 2026-11-22T10:00:00Z, has the keys of the pool');
  expect(text).toContain('kokoa-agent approve kyoto-1 FINGERPRINT');
  expect(text).toContain('the escrow key, new since 2026-11-22T10:00:00Z, gets no keys of the pool');
  expect(text).toContain('kokoa-agent approve --escrow RECIPIENT');
  expect(text).not.toContain(KEYS.recipient);
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80);
  expect(facts).toMatchObject({
    unacknowledged: [
      { name: 'kyoto-1', given: true },
      { name: ESCROW_NAME, given: false },
    ],
  });
});

test('says nothing where there is nothing', () => {
  expect(describeRecipients({})).toEqual({ facts: {}, lines: [] });
});
