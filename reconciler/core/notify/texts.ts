// One message in the form of each kind of channel. Law: what was seen is foreign, so it stands where no markup, mention, link or header of it
// counts: in plain text on a line of its own, in Slack as literal elements, in Discord in code spans.
import type { Notice, NoticeEvent } from './event.ts';
import { cleanLine, foreignLine, withoutMarkup } from './foreign-text.ts';

const TITLE_CHARACTERS_MAX = 80;
const SUBJECT_CHARACTERS_MAX = 120;
const WORDS_CHARACTERS_MAX = 600;
/** RFC 5322, 2.1.1 gives 998; phones show a tenth of it. */
const MAIL_SUBJECT_CHARACTERS_MAX = 160;
const SIGN = { trouble: 'TROUBLE', well: 'WELL', told: 'NEWS' } as const;
const COLOUR = { trouble: 0xc0392b, well: 0x2e8b57, told: 0x5d6d7e } as const;
const FLAPPING = 'it changes again and again; nothing more is told of it until it keeps still';
/** The one shape of a moment; a foreign one is left out. */
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?Z$/;

/** Label and words, in the order in which a person needs them. */
export function linesOf({ event, troubleSince, isFlapping }: Notice): [label: string, words: string][] {
  const { state, at, reason, done, todo } = event;
  const lines: [string, string | undefined][] = [
    ['What', event.subject],
    ['Since', moment(at)],
    ['Was in trouble since', state === 'well' && troubleSince !== undefined ? moment(troubleSince) : undefined],
    ['Why', reason],
    ['Flapping', isFlapping && FLAPPING],
    ['Done by itself', done],
    ['To do', todo],
  ];
  return lines.flatMap(([label, words]) => (words ? [[label, foreignLine(words, WORDS_CHARACTERS_MAX)]] : []));
}

export function asText(notice: Notice): string {
  const lines = linesOf(notice).map(([label, words]) => `${label}: ${words}`);
  return `${[headline(notice.event, foreignLine), ...lines].join('\n')}\n`;
}

export function asMail(notice: Notice): { subject: string; text: string } {
  const about = foreignLine(notice.event.subject, SUBJECT_CHARACTERS_MAX);
  const subject = foreignLine(`[kokoa] ${headline(notice.event, foreignLine)}: ${about}`, MAIL_SUBJECT_CHARACTERS_MAX);
  return { subject, text: asText(notice) };
}

/** Body of an incoming webhook. Elements of a rich_text block are taken as they are; `text` is what a phone shows before it is opened. */
export function asSlack(notice: Notice): object {
  const head = headline(notice.event, withoutMarkup);
  const elements = linesOf(notice).flatMap(([label, words]) => [
    { type: 'text', text: `${label}: `, style: { bold: true } },
    { type: 'text', text: words, style: { code: true } },
    { type: 'text', text: '\n' },
  ]);
  return {
    text: `${head}: ${withoutMarkup(notice.event.subject, SUBJECT_CHARACTERS_MAX)}`,
    mrkdwn: false,
    unfurl_links: false,
    unfurl_media: false,
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: head, emoji: false } },
      { type: 'rich_text', elements: [{ type: 'rich_text_section', elements }] },
    ],
  };
}

/** Body of a webhook with one embed: at most 25 fields of 1024 characters. */
export function asDiscord(notice: Notice): object {
  const { state, at } = notice.event;
  return {
    username: 'Kokoa',
    allowed_mentions: { parse: [] },
    embeds: [
      {
        title: headline(notice.event, withoutMarkup),
        color: COLOUR[state],
        ...(MOMENT.test(at) && { timestamp: at }),
        fields: linesOf(notice).map(([name, words]) => ({ name, value: codeSpan(words) })),
      },
    ],
  };
}

/** Body of our own webhook, for programs: words are clean and bounded, and otherwise as they were seen. */
export function asWebhook({ id, event, troubleSince, isFlapping }: Notice, sentAt: string): object {
  const { kind, state, at, done, todo } = event;
  const words = (text: string | undefined) => (text === undefined ? undefined : cleanLine(text, WORDS_CHARACTERS_MAX));
  return {
    ...{ version: 1, id, sentAt, kind, state },
    subject: cleanLine(event.subject, SUBJECT_CHARACTERS_MAX),
    title: cleanLine(event.title, TITLE_CHARACTERS_MAX),
    since: moment(at),
    troubleSince: troubleSince === undefined ? undefined : moment(troubleSince),
    flapping: isFlapping === true,
    ...{ reason: words(event.reason), done: words(done), todo: words(todo) },
  };
}

function headline({ state, title }: NoticeEvent, clean: (text: string, charactersMax: number) => string): string {
  return `${SIGN[state]}: ${clean(title, TITLE_CHARACTERS_MAX)}`;
}

function moment(text: string): string {
  return MOMENT.test(text) ? text : 'unknown';
}

/** Nothing counts in it but the grave accent that would end it. */
function codeSpan(words: string): string {
  return `\`${words.replaceAll('`', "'")}\``;
}
