import { expect, it } from 'vitest';
import { checkExpired } from './check-expired.ts';
import { loadFile } from './load.ts';

const NOW = new Date('2027-03-31T18:00Z');
const said = (lines: string) =>
  checkExpired([loadFile('routes/hoge/a.yaml', 'b', Buffer.from(`${lines}\norigin: home\nport: 1\n`))], NOW).map(
    ({ line, column, rule, severity, message }) => `${line}:${column} ${rule} ${severity} ${message}`,
  );

it('warns of a route that is over, from its minute on', () => {
  expect(said('hostname: a.hoge.com\nexpiresAt: 2027-03-31T18:00Z')).toEqual([
    '2:12 KK355 warning expiresAt: found 2027-03-31T18:00Z, which is past: the hostname answers 404, expected a moment to come',
  ]);
  expect(said('hostname: a.hoge.com\nexpiresAt: 2027-03-31T18:01Z')).toEqual([]);
});

it('says what is closed where there is no hostname', () => {
  expect(said('protocol: udp\npublicPort: 25565\nexpiresAt: 2020-01-01T00:00Z').join()).toContain(
    'nothing answers on the public port 25565',
  );
});

it('says nothing of routes without an end, of broken ones and of other files', () => {
  expect(said('hostname: a.hoge.com')).toEqual([]);
  expect(said('hostname: a.hoge.com\nexpiresAt: 2020-01-01')).toEqual([]);
  expect(checkExpired([loadFile('edges/e.yaml', 'b', Buffer.from('name: e\n'))], NOW)).toEqual([]);
});
