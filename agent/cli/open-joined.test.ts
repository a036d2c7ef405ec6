import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openJoined } from './open-joined.ts';

const NOBODY = 65_534;
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kokoa-joined-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** Root may read everything, so it looks as somebody else. */
async function asSomebodyElse<T>(work: () => Promise<T>): Promise<T> {
  if (process.getuid!() !== 0) return work();
  process.seteuid!(NOBODY);
  try {
    return await work();
  } finally {
    process.seteuid!(0);
  }
}

test('state of another user is not taken for a machine that has not joined', async () => {
  await writeFile(join(dir, 'settings.json'), '{}');
  await chmod(join(dir, 'settings.json'), 0o000);
  await chmod(dir, 0o711);
  const opening = asSomebodyElse(() => openJoined(dir).catch((error: unknown) => error));
  expect(await opening).toMatchObject({ code: 'state_unreadable', hint: expect.stringContaining('as root') });
});

test('an empty directory is one, and torn settings are said to be torn', async () => {
  await expect(openJoined(dir)).rejects.toMatchObject({ code: 'not_joined' });
  await writeFile(join(dir, 'settings.json'), '{');
  await expect(openJoined(dir)).rejects.toMatchObject({ code: 'settings_invalid' });
});
