// Two days of a pool whose certificates live for 6 hours, with a CA that is down for the last third of each life but its final tenth.
import { expect, test } from 'vitest';
import { createCertificateMaker } from '../test/certificate-maker.ts';
import { createRenewalSite, HOUR_MS, liveThroughOutages } from './renewal.fixture.ts';

test('none ends and none is renewed twice, looked at every half hour for two days', async () => {
  const maker = await createCertificateMaker();
  const site = await createRenewalSite(maker);
  const orderers = { 'app.hoge.com': 'osaka-1', 'wiki.fuga.com': 'tokyo-1', 'www.fuga.com': 'osaka-1' };
  await site.begin(['kyoto-1', 'osaka-1', 'tokyo-1'], orderers);
  await liveThroughOutages(site, 9);
  expect(site.clockMs - site.issued[0]!.atMs).toBeGreaterThan(48 * HOUR_MS);
  await site.close();
  await maker.close();
}, 600_000);
