// What was kept is read back as it was; what is damaged is nothing.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { notifyEvent } from './event.ts';
import { readTopic, readWaiting, topicText, waitingText } from './kept-texts.ts';
import { paceEvent } from './pace.ts';

const event = notifyEvent({
  ...{ kind: 'dns-write', subject: 'hoge.com', state: 'trouble', at: '2026-11-22T12:00:00Z', reason: 'refused' },
});
const { topic, notice } = paceEvent(undefined, event, 1_000);

it('a topic and a waiting notice come back as they were', () => {
  expect(readTopic(topicText(topic!))).toEqual(topic);
  expect(readWaiting(waitingText({ notice: notice!, sinceMs: 5 }))).toEqual({ notice, sinceMs: 5 });
});

it.each([
  '',
  'null',
  '[]',
  '{}',
  '{"notice":null,"sinceMs":1}',
  JSON.stringify({ ...topic, last: { ...event, kind: 'constructor' } }),
  JSON.stringify({ ...topic, last: { ...event, reason: 5 } }),
  JSON.stringify({ ...topic, told: 'maybe' }),
  JSON.stringify({ ...topic, messagesMs: ['x'] }),
  JSON.stringify({ notice: { ...notice, id: '<x>' }, sinceMs: 1 }),
  JSON.stringify({ notice: { ...notice, event: { ...event, state: 'x' } }, sinceMs: 1 }),
  JSON.stringify({ notice, sinceMs: '1' }),
])('%j is neither', (text) => {
  expect(readTopic(text)).toBeUndefined();
  expect(readWaiting(text)).toBeUndefined();
});

it('no text makes reading throw', () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void [readTopic(text), readWaiting(text)]));
});
