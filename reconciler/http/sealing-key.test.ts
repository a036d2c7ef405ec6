// Everybody may know what to encrypt to.
import { afterEach, expect, it } from 'vitest';
import { type Installation, install, RECIPIENT } from './http.fixture.ts';
import { SEALING_KEY_PATH } from './sealing-key.ts';

let at: Installation;
afterEach(() => at.close());

it('shows the recipient to whoever asks, and nothing else', async () => {
  at = await install({ sealingRecipient: RECIPIENT });
  const response = await at.ask(SEALING_KEY_PATH, { headers: { via: '1.1 proxy' } });
  expect([response.status, await response.json()]).toEqual([200, { recipient: RECIPIENT }]);
});

it('says so when there is none', async () => {
  at = await install();
  expect((await at.ask(SEALING_KEY_PATH)).status).toBe(404);
});
