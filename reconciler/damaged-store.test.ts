// The whole reconciler over a store whose texts are damaged: it starts, says what and what to do, and settings go out anew from the first wave.
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DATABASE_FILE } from './adapters/store-database.ts';
import { announcePush, configOver, createRunningSite, type RunningSite } from './running-site.fixture.ts';
import { kokoa } from './site.fixture.ts';
import type { RunningReconciler } from './wiring.ts';

const SOON = { timeout: 10_000, interval: 20 };

let site: RunningSite;
beforeEach(async () => {
  site = await createRunningSite();
});
afterEach(() => site.end());

const wave = async ({ url }: RunningReconciler) =>
  /^kokoa_rollout_wave (\d+)$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1];
const said = (words: string) => site.lines.filter((line) => line.includes(words)).length;

it('starts, and begins a rollout anew at its first wave', async () => {
  const first = await site.start();
  await expect.poll(() => configOver(first, site.tokens.e1.token), SOON).toBeTypeOf('object');
  const commit = await site.commit({
    'kokoa.yaml': kokoa().replace('https://ca.example/dir', 'https://other.example/dir'),
  });
  await announcePush(first, commit);
  await expect.poll(() => wave(first), SOON).toBe('1');
  await first.stop();
  const database = new DatabaseSync(join(site.dataDir, 'store', DATABASE_FILE));
  database.exec(`UPDATE head SET rollout = '{"waves":'; UPDATE nodes SET config = '{' WHERE node = 'e2'`);
  database.close();

  const again = await site.start();
  await expect.poll(() => said('settings go out to a wave of edges'), SOON).toBe(2);
  expect([await wave(again), said('a text in the store is damaged'), said('first wave on')]).toEqual(['1', 2, 1]);
  const [one, other] = await Promise.all([site.tokens.e1, site.tokens.e2].map(({ token }) => configOver(again, token)));
  expect(Object.keys(one as object)).toEqual(Object.keys(other as object));
  expect(said('settings go out to everybody') + said('to all edges at once')).toBe(0);
});
