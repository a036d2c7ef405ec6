// What a node compares with its pin before it shows its token.
import { afterEach, expect, it } from 'vitest';
import { PUBLIC_ROOT_PATH } from '../../bundle/api.ts';
import { createMemoryStore } from '../../test/fakes/memory-store.ts';
import { type Installation, install } from './http.fixture.ts';
import { createServed } from './served.ts';

let at: Installation;
afterEach(() => at.close());

it('shows the exact text of the first root to whoever asks, and no later one', async () => {
  at = await install();
  const response = await at.ask(PUBLIC_ROOT_PATH, { headers: { via: '1.1 proxy' } });
  expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
    ...[200, expect.stringMatching(/^application\/json/), 'root one'],
  ]);
});

it('says so before there is one', async () => {
  at = await install({ served: createServed(createMemoryStore()) });
  const response = await at.ask(PUBLIC_ROOT_PATH);
  expect([response.status, await response.json()]).toEqual([503, expect.objectContaining({ error: 'not_ready' })]);
});
