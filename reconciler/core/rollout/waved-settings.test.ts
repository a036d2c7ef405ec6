import { expect, test } from 'vitest';
import type { Kokoa } from '../../../schemas/types.ts';
import type { LoadedFile } from '../files.ts';
import { kokoa } from '../world.fixture.ts';
import { waits } from './waved-settings.ts';

const file = (more: Partial<Kokoa>) => kokoa(more) as LoadedFile<'kokoa'>;
const pools = (...list: Kokoa['pools']) => file({ pools: list as Kokoa['pools'] });

test.each<[string, LoadedFile<'kokoa'>, LoadedFile<'kokoa'>, boolean]>([
  ['nothing', pools({ name: 'default' }), pools({ name: 'default' }), false],
  ['another authority', file({}), file({ acme: { server: 'https://other.example/dir' } }), true],
  ['a zone', file({}), file({ zones: [{ name: 'hoge.com', provider: 'manual' }] }), false],
  [
    'a name of a pool in DNS, for which edges look at each other',
    pools({ name: 'default' }),
    pools({ name: 'default', hostname: 'edges.hoge.com' }),
    true,
  ],
  [
    'another name of it',
    pools({ name: 'default', hostname: 'edges.hoge.com' }),
    pools({ name: 'default', hostname: 'new.hoge.com' }),
    false,
  ],
  [
    'how often they look',
    pools({ name: 'default', hostname: 'edges.hoge.com' }),
    pools({ name: 'default', hostname: 'edges.hoge.com', check: { interval: '1s' } }),
    true,
  ],
  [
    'how often they look, in other words',
    pools({ name: 'default', hostname: 'edges.hoge.com', check: { interval: '1s' } }),
    pools({ name: 'default', hostname: 'edges.hoge.com', check: { interval: '1000ms', healthy: 5 } }),
    false,
  ],
  [
    'how long resolvers keep it',
    pools({ name: 'default', hostname: 'edges.hoge.com' }),
    pools({ name: 'default', hostname: 'edges.hoge.com', ttl: 60 }),
    false,
  ],
  [
    'a pool that is new, with a name',
    pools({ name: 'default' }),
    pools({ name: 'default' }, { name: 'more', hostname: 'more.hoge.com' }),
    false,
  ],
])('%s', (_, before, after, expected) => {
  expect(waits(before, after)).toBe(expected);
});
