import { expect, it } from 'vitest';
import { STREAMS_MAX } from '../../bundle/config-schema.ts';
import { checkBounds } from './bounds.ts';
import type { AnyLoadedFile, LoadedFile } from './files.ts';
import { portRoute } from './world.fixture.ts';

const isRoute = (file: AnyLoadedFile): file is LoadedFile<'route'> => file.kind === 'route';
const count = STREAMS_MAX / 2 + 1;
const ports = Array.from({ length: count }, (_, index) => [
  portRoute(`a${1000 + index}`, 20_000 + index),
  portRoute(`b${1000 + index}`, 30_000 + index, { pool: 'spare' }),
]);
const files = ports.flat().filter(isRoute);

it('counts the same files anew when routes without a pool go elsewhere', () => {
  const found = (defaultPool: string) => checkBounds(files, defaultPool).map(({ file, message }) => [file, message]);
  const message = expect.stringMatching(/^found 1002 .* in pool spare, expected at most 1000$/);
  expect(found('default')).toEqual([]);
  expect(found('spare')).toEqual(
    [`b${1000 + count - 2}`, `b${1000 + count - 1}`].map((name) => [`routes/hoge/${name}.yaml`, message]),
  );
  expect(found('default')).toEqual([]);
});

it('does not depend on the order of the files', () => {
  expect(checkBounds(files.toReversed(), 'spare')).toEqual(checkBounds(files, 'spare'));
});
