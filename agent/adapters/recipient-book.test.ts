// The book of recipients on disk, and approvals beside it.
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ESCROW_NAME } from '../../bundle/api.ts';
import { openRecipientBook } from './recipient-book.ts';

const KYOTO = { name: 'kyoto-1', recipient: `age1${'q'.repeat(58)}`, signingKey: 'a'.repeat(43) };
const ESCROW = { name: ESCROW_NAME, recipient: `age1${'z'.repeat(58)}`, signingKey: '' };
const RECORD = {
  pool: 'default',
  known: [KYOTO],
  strangers: [{ ...ESCROW, since: '2026-11-22T10:00:00.000Z', given: true as const }],
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kokoa-book-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('what was saved is loaded again, and only the owner may read it', async () => {
  const book = openRecipientBook(folder);
  expect(await book.load()).toBeUndefined();
  await book.save(RECORD);
  expect(await openRecipientBook(folder).load()).toEqual(RECORD);
  expect((await stat(join(folder, 'recipients.json'))).mode & 0o777).toBe(0o600);
});

test.each([
  '',
  '{',
  '[]',
  JSON.stringify({ ...RECORD, known: [{ ...KYOTO, name: '../x' }] }),
  JSON.stringify({ ...RECORD, known: [{ ...KYOTO, recipient: 'age1' }] }),
  JSON.stringify({ pool: 'default', known: [] }),
])('the text %j counts as absent: nobody is known by accident', async (text) => {
  await writeFile(join(folder, 'recipients.json'), text);
  expect(await openRecipientBook(folder).load()).toBeUndefined();
});

test('approvals stay until they are spent, each by itself; what is torn or foreign is none', async () => {
  const book = openRecipientBook(folder);
  expect(await book.approvals()).toEqual([]);
  await book.approve(KYOTO);
  await book.approve(KYOTO);
  await book.approve(ESCROW);
  await writeFile(join(folder, 'approvals', 'torn.json'), '{"name":"kyoto-1"');
  await mkdir(join(folder, 'approvals', 'folder.json'));
  expect((await book.approvals()).map(({ name }) => name).sort()).toEqual([ESCROW_NAME, 'kyoto-1']);
  // Members that are not of the approval do not matter.
  await book.spend([{ ...KYOTO, since: 'x' } as never]);
  expect(await book.approvals()).toEqual([ESCROW]);
  await book.spend([ESCROW]);
  expect((await readdir(join(folder, 'approvals'))).sort()).toEqual(['folder.json', 'torn.json']);
});
