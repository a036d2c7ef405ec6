// The fake store keeps the contract of the real one.
import { expect, it } from 'vitest';
import { sha256Hex } from '../../bundle/canonical.ts';
import { publication, storeContract } from '../contract/store.ts';
import { createMemoryStore } from './memory-store.ts';

storeContract('the store in memory', async () => {
  const store = createMemoryStore();
  return { store, dispose: () => store.close() };
});

it('fails when told, before anything is written, and then works again', async () => {
  const store = createMemoryStore();
  store.failNext('publish', new Error('disk full'));
  await expect(store.publish(publication({}))).rejects.toThrow('disk full');
  expect(await store.head()).toBeUndefined();
  expect(await store.publish(publication({}))).toBe('published');
});

it('counts a damaged text as missing', async () => {
  const store = createMemoryStore();
  await store.publish(publication({ blobs: new Map([[sha256Hex('x'), 'x']]) }));
  store.damageBlob(sha256Hex('x'));
  expect(await store.blob(sha256Hex('x'))).toBeUndefined();
});
