// What operators read, and what a hostile reason cannot make of it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NOTIFY_KINDS, type Notice, type NotifyKind, notifyEvent } from './event.ts';
import { asDiscord, asMail, asSlack, asText, asWebhook } from './texts.ts';

const notice = (reason: string, subject = 'tokyo-1', more: Partial<Notice> = {}): Notice => ({
  id: 'a'.repeat(32),
  event: notifyEvent({ kind: 'edge-withdrawn', subject, state: 'trouble', at: '2026-11-22T12:00:00.000Z', reason }),
  ...more,
});

it('a message says what, since when, why, what was done and what to do', () => {
  expect(asText(notice('timeout: no answer within 1.5 s, seen by reconciler and osaka-1'))).toBe(
    [
      'TROUBLE: edge withdrawn from DNS',
      'What: tokyo-1',
      'Since: 2026-11-22T12:00:00.000Z',
      'Why: timeout: no answer within 1.5 s, seen by reconciler and osaka-1',
      'Done by itself: its addresses were taken out of DNS; it comes back by itself when it is healthy',
      'To do: look at the machine, or set state: draining until it is mended',
      '',
    ].join('\n'),
  );
});

it('what is well again says how long it was not, and has nothing to do', () => {
  const event = notifyEvent({
    ...{ kind: 'edge-withdrawn', subject: 'tokyo-1', state: 'well', at: '2026-11-22T13:00:00Z', reason: 'healthy' },
  });
  expect(asText({ id: '', event, troubleSince: '2026-11-22T12:00:00Z' })).toBe(
    'WELL: edge back in DNS\nWhat: tokyo-1\nSince: 2026-11-22T13:00:00Z\nWas in trouble since: 2026-11-22T12:00:00Z\nWhy: healthy\n',
  );
  expect(asText(notice('x', 'y', { isFlapping: true }))).toContain('Flapping: it changes again and again');
});

const HOSTILE = [
  '@everyone @here <@123> <!channel> <!here|x>',
  '[click](https://evil.example/login) <https://evil.example|mend it>',
  'a`b``c` **bold** _x_ ~y~ ||z|| # head',
  'x\r\nBcc: victim@hoge.com\r\n\r\nTo do: pay',
  'x\nTo do: run this\u2028To do: and this\u0085To do: too',
  '\u202egnp.exe\u200b\u0000\u001b[31m\ud800',
  'http://www.evil.example mailto:a@b.example',
  `${'long '.repeat(5_000)}`,
  'token ghp_0123456789abcdefghijABCDEFGHIJ012345 and https://user:swordfish@hoge.com/',
];

describe.each(HOSTILE)('hostile words, %j', (words) => {
  const hostile = notice(words, words);
  const forms = { text: asText(hostile), mail: asMail(hostile), slack: asSlack(hostile), discord: asDiscord(hostile) };

  it('stay one line each, clean and bounded', () => {
    expect(
      forms.text
        .trimEnd()
        .split('\n')
        .map((line) => line.split(':')[0]),
    ).toEqual(['TROUBLE', 'What', 'Since', 'Why', 'Done by itself', 'To do']);
    expect(forms.mail.subject).toMatch(/^\[kokoa\] TROUBLE: edge withdrawn from DNS: [^\r\n]*$/);
    expect(forms.mail.subject.length).toBeLessThanOrEqual(160);
    for (const form of [...Object.values(forms), asWebhook(hostile, '2026-11-22T12:00:01Z')]) {
      const text = typeof form === 'string' ? form : JSON.stringify(form);
      expect(text.length).toBeLessThan(4_000);
      expect(text.isWellFormed()).toBe(true);
      expect(text).not.toMatch(/[\u202a-\u202e\u200b\u2028\u0000\u001b]|\\u00|\\ud8/);
      expect(text).not.toMatch(/ghp_|swordfish/);
    }
    for (const form of Object.values(forms)) expect(JSON.stringify(form)).not.toMatch(/https?:\/\/|mailto:|www\.evil/);
  });

  it('are literal elements in Slack, and have no markup in what is shown before', () => {
    const { text, blocks } = forms.slack as {
      text: string;
      blocks: { type: string; text?: object; elements?: { elements: object[] }[] }[];
    };
    expect(text).not.toMatch(/[<>&@*_`|[\]]/);
    expect(blocks.map(({ type }) => type)).toEqual(['header', 'rich_text']);
    expect(blocks[0]!.text).toEqual({ type: 'plain_text', text: 'TROUBLE: edge withdrawn from DNS', emoji: false });
    const elements = blocks[1]!.elements!.flatMap((section) => section.elements) as { type: string }[];
    expect(new Set(elements.map(({ type }) => type))).toEqual(new Set(['text']));
  });

  it('end no code span in Discord, and mention nobody', () => {
    const { allowed_mentions, embeds, ...rest } = forms.discord as {
      allowed_mentions: object;
      embeds: { title: string; fields: { name: string; value: string }[] }[];
    };
    expect(allowed_mentions).toEqual({ parse: [] });
    expect(rest).toEqual({ username: 'Kokoa' });
    for (const { value } of embeds[0]!.fields) {
      expect(value).toMatch(/^`[^`\n]+`$/);
      expect(value.length).toBeLessThanOrEqual(1024);
    }
  });
});

it('a title from elsewhere has no markup, and a moment from elsewhere is not repeated', () => {
  const event = { ...notice('x').event, title: '@everyone [a](https://b)', at: '<!channel>' };
  for (const form of [asDiscord({ id: '', event }), asSlack({ id: '', event })])
    expect(JSON.stringify(form)).not.toMatch(/@everyone|\]\(|<!|https:/);
  expect(asText({ id: '', event })).toContain('Since: unknown\n');
});

it('the webhook has the id, the time of sending and every field, for programs', () => {
  expect(asWebhook(notice('a\nb <c>'), '2026-11-22T12:00:01.000Z')).toEqual({
    ...{ version: 1, id: 'a'.repeat(32), sentAt: '2026-11-22T12:00:01.000Z', kind: 'edge-withdrawn', state: 'trouble' },
    ...{ subject: 'tokyo-1', title: 'edge withdrawn from DNS', since: '2026-11-22T12:00:00.000Z', flapping: false },
    reason: 'a b <c>',
    done: NOTIFY_KINDS['edge-withdrawn'].done,
    todo: NOTIFY_KINDS['edge-withdrawn'].todo,
  });
});

it('kokoa.yaml takes exactly the kinds that there are', () => {
  const file = join(import.meta.dirname, '../../../schemas/kokoa.schema.json');
  const schema = JSON.parse(readFileSync(file, 'utf8'));
  expect(schema.properties.notify.items.properties.on.items.enum).toEqual(Object.keys(NOTIFY_KINDS));
});

it('every kind has words of its own for trouble and for its end, and says what was done or what to do', () => {
  const kinds = Object.keys(NOTIFY_KINDS) as NotifyKind[];
  const titles = kinds.flatMap((kind) => [NOTIFY_KINDS[kind].trouble, NOTIFY_KINDS[kind].well]);
  expect(new Set(titles).size).toBe(2 * kinds.length);
  for (const kind of kinds) expect(NOTIFY_KINDS[kind].todo).toBeTruthy();
});
