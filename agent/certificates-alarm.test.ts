// What the log says of certificates that end soon.
import { beforeEach, expect, test } from 'vitest';
import { createAlarm, ENDING_WORDS } from './certificates-alarm.ts';

const END = '2026-11-22T18:00:00.000Z';

type Ending = Record<'hostname' | 'notAfter' | 'reason', string>;
let log: string[];
let endings: Ending[];

beforeEach(() => {
  [log, endings] = [[], []];
});

function alarm() {
  const told = (level: string) => (fields: object, message: string) =>
    log.push(`${level} ${message} ${JSON.stringify(fields)}`);
  return createAlarm({ found: () => endings, words: ENDING_WORDS, log: { info: told('info'), warn: told('warn') } });
}

const ending = (hostname: string, reason = 'because'): Ending => ({ hostname, notAfter: END, reason });

test('each is said once, whatever its reason becomes, and once when it is over', () => {
  const { look } = alarm();
  look();
  endings = [ending('a.test')];
  look();
  endings = [ending('a.test', 'another'), ending('b.test')];
  look();
  look();
  endings = [ending('b.test')];
  look();
  expect(log).toEqual([
    'warn a certificate ends soon and was not replaced yet {"hostname":"a.test","notAfter":"2026-11-22T18:00:00.000Z","reason":"because"}',
    expect.stringContaining('"b.test"'),
    'info this certificate does not end soon any more {"hostname":"a.test"}',
  ]);
});

test('a thousand at once are twenty lines and a number', () => {
  const { look } = alarm();
  endings = Array.from({ length: 1_000 }, (_, index) => ending(`h${index}.test`));
  look();
  look();
  expect([log.length, log.at(-1)]).toEqual([21, 'warn more certificates end soon {"count":980}']);
  endings = [];
  look();
  expect([log.length, log.at(-1)]).toEqual([42, 'info more certificates do not end soon any more {"count":980}']);
});
