// What strace prints becomes points: only changes of the watched folder, each with the number that strace counts.
import { expect, test } from 'vitest';
import { shapeOf, tracedCalls } from './traced-calls.ts';

const LINES = [
  'openat(AT_FDCWD</work>, "/state/read", O_RDONLY|O_CLOEXEC) = 20</state/read>',
  'openat(AT_FDCWD</work>, "/state/floor", O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0600) = 21</state/floor>',
  'write(20<anon_inode:[eventfd]>, ""..., 8) = 8',
  'write(21</state/floor>, ""..., 5) = 5',
  'write(22<socket:[77]>, ""..., 5) = 5',
  'openat(AT_FDCWD</state>, "/dev/null", O_RDWR) = 23</dev/null>',
  'unlinkat(24</state/pack>, "one", 0) = 0',
  'rename("/state/.floor.1.2.tmp", "/state/floor") = -1 EIO (Input/output error) (INJECTED)',
  'mkdir("/statement", 0700) = 0',
  'fsync(23</state>) = ?',
  '+++ killed by SIGKILL +++',
];

test('a change in the folder is a point, with its number among the calls of its name', () => {
  const points = tracedCalls(LINES, '/state').filter(({ path }) => path !== undefined);
  expect(points).toEqual([
    { name: 'openat', nth: 2, path: 'floor', injected: false },
    { name: 'write', nth: 2, path: 'floor', injected: false },
    { name: 'unlinkat', nth: 1, path: 'pack/one', injected: false },
    { name: 'rename', nth: 1, path: '.floor.1.2.tmp', injected: true },
    { name: 'fsync', nth: 1, path: '', injected: true },
  ]);
});

test('what changes from run to run is hidden', () => {
  expect(shapeOf('bundles/.ab12cd34ef.1.17/.1.root.json.99.7.tmp')).toBe('bundles/.#.#.#/.#.root.json.#.#.tmp');
});
