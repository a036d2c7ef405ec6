// The fake repository keeps the contract of the real one.
import { expect, it } from 'vitest';
import { KokoaError } from '../../bundle/error.ts';
import { sourceContract } from '../contract/source.ts';
import { createMemorySource } from './memory-source.ts';

sourceContract('the repository in memory', async () => {
  const source = createMemorySource();
  return {
    source,
    commit: async (files, parent) => source.commit(files, parent),
    deleteBranch: async () => source.deleteBranch(),
    dispose: () => source.close(),
  };
});

it('fails as often as it is told, then works again', async () => {
  const source = createMemorySource();
  const commit = source.commit({ 'kokoa.yaml': 'k' });
  source.failNext('fetch', new KokoaError('source_unreachable', 'down'), 2);
  await expect(source.fetch()).rejects.toMatchObject({ code: 'source_unreachable' });
  await expect(source.fetch()).rejects.toMatchObject({ code: 'source_unreachable' });
  expect(await source.fetch()).toBe(commit);
});

it('forgets a pruned commit and its descendants', async () => {
  const source = createMemorySource();
  const base = source.commit({ 'kokoa.yaml': '1' });
  const gone = source.commit({ 'kokoa.yaml': '2' });
  const tip = source.commit({ 'kokoa.yaml': '3' }, base);
  source.prune(gone);
  await expect(source.changes(gone, tip)).rejects.toMatchObject({ code: 'commit_missing' });
  expect(await source.isAncestor(gone, tip)).toBe(false);
});
