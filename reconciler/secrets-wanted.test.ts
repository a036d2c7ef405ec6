// Which secrets a state of git asks for.
import { expect, it } from 'vitest';
import { desiredOf, kokoa, loaded, route } from './core/world.fixture.ts';
import { wantedSecrets } from './secrets-wanted.ts';

const basic = (file: string) => ({ auth: { basic: { users: { file } } } });
const a = route('a.hoge.com', 'o1', 80, basic('one'));
const b = route('b.hoge.com', 'o1', 80, { pool: 'spare', paths: [{ prefix: '/x', ...basic('two') }] });
const wanted = (pool: string, file: string, hostname: string) => ({
  ...{ pool, team: 'hoge', reference: { file }, file: `routes/hoge/${hostname}.yaml` },
});

it('finds those of routes and of their paths, for the pool that serves them', () => {
  const desired = desiredOf([kokoa(), a, b, route('c.hoge.com', 'o1')]);
  expect([...wantedSecrets([desired])].sort((one, other) => (one.file < other.file ? -1 : 1))).toEqual([
    wanted('default', 'one', 'a.hoge.com'),
    wanted('spare', 'two', 'b.hoge.com'),
  ]);
});

it('finds those of several states, and none of a state that has no pools', () => {
  const broken = desiredOf([loaded('kokoa', 'kokoa.yaml', undefined), a]);
  const pools = [...wantedSecrets([broken, desiredOf([kokoa(), a]), desiredOf([kokoa(), b])])].map(({ pool }) => pool);
  expect(pools).toEqual(['default', 'spare']);
});
