// What of an answer to a report comes through.
import { expect, test } from 'vitest';
import { SEQUENCE_MAX } from '../../bundle/announcement.ts';
import { WAITING_FOR_MAX } from '../../bundle/api.ts';
import { asStatusAnswer } from './control-plane-answers.ts';

const rotation = (value: unknown) => asStatusAnswer({ bound: true, rotation: value })?.rotation;

test.each<[string, unknown, unknown]>([
  ['go', { publicKey: 'k', kind: 'go', more: 1 }, { publicKey: 'k', kind: 'go' }],
  ['a wait', { publicKey: 'k', kind: 'wait', for: ['tokyo-1'] }, { publicKey: 'k', kind: 'wait', for: ['tokyo-1'] }],
  [
    'names that are none',
    { publicKey: 'k', kind: 'wait', for: ['\u001b[2J', 7] },
    { publicKey: 'k', kind: 'wait', for: [] },
  ],
  [
    'a refusal',
    { publicKey: 'k', kind: 'refused', reason: 'a\nb' },
    { publicKey: 'k', kind: 'refused', reason: 'a b' },
  ],
  ['another kind', { publicKey: 'k', kind: 'soon' }, undefined],
  ['no key', { kind: 'go' }, undefined],
  ['no list', { publicKey: 'k', kind: 'wait' }, undefined],
  ['a text', 'go', undefined],
])('of a rotation: %s', (_, value, expected) => {
  expect(rotation(value)).toEqual(expected);
});

test('the list of names is bounded', () => {
  const all = Array.from({ length: 1000 }, (_, index) => `n${index}`);
  expect(rotation({ publicKey: 'k', kind: 'wait', for: all })).toMatchObject({ for: all.slice(0, WAITING_FOR_MAX) });
});

test.each([
  [7, 7],
  [0, 0],
  [SEQUENCE_MAX, undefined],
  [-1, undefined],
  [1.5, undefined],
  ['7', undefined],
])('of a number that reports have reached: %j', (newest, expected) => {
  expect(asStatusAnswer({ bound: false, newest })?.newest).toBe(expected);
});
