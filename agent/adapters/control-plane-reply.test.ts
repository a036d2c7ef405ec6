// A server that echoes the token, in every way in which JSON can write it.
import { expect, test } from 'vitest';
import { asStatusAnswer } from './control-plane-answers.ts';
import { type Answer, JSON_MEDIA_TYPE, judgeReply } from './control-plane-reply.ts';

const TOKEN = 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ0b2t5by0xIn0.c2VjcmV0';

/** `text`: what stands between the quotes. */
function reply(status: number, name: string, text: string): Answer {
  const body = Buffer.from(`{"bound": false, "${name}": "${text}"}`);
  const headers = { 'content-type': JSON_MEDIA_TYPE };
  return judgeReply({ kind: 'reply', status, headers, body }, 'control.example', JSON_MEDIA_TYPE, TOKEN);
}

const escaped = (text: string) =>
  [...text].map((one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');

test.each([
  ['as it is', TOKEN],
  ['with its first letter escaped', `\\u0065${TOKEN.slice(1)}`],
  ['with a letter escaped in capitals', `${TOKEN.slice(0, 2)}\\u004A${TOKEN.slice(3)}`],
  ['escaped as a whole', escaped(TOKEN)],
  ['twice', `${escaped(TOKEN)} and ${TOKEN}`],
  ['over the end of what is kept', `${'x'.repeat(290)}${escaped(TOKEN)}`],
])('the token %s is in no message and no reason', (_, text) => {
  for (const status of [401, 403, 500]) {
    const { message } = reply(status, 'message', text) as { message: string };
    expect(message).not.toContain(TOKEN.slice(0, 8));
    expect(message).toContain('[token');
  }
  const answer = reply(200, 'reason', text) as { value: unknown };
  expect(asStatusAnswer(answer.value)).toEqual({ bound: false, reason: expect.stringContaining('[token') });
  expect(JSON.stringify(answer.value)).not.toContain(TOKEN.slice(0, 8));
});

test('everything else comes through as it was written', () => {
  const value = { bound: true, newest: 7, rotation: { for: ['a', 'b'], nothing: null } };
  const body = Buffer.from(JSON.stringify(value));
  const headers = { 'content-type': JSON_MEDIA_TYPE };
  expect(judgeReply({ kind: 'reply', status: 200, headers, body }, 'h', JSON_MEDIA_TYPE, TOKEN)).toMatchObject({
    ...{ kind: 'answer', value },
  });
});
