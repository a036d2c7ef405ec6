// `kokoa certs escrow-restore`: reads the offline key and a mailbox, writes the parcel. Law: the key is neither printed nor kept, also where it
// was typed in place of something else.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { rootCertificates } from 'node:tls';
import { KokoaError } from '../../bundle/error.ts';
import { escrowAge } from '../adapters/escrow-age.ts';
import type { PoolMailbox } from '../adapters/mailboxes-beside.ts';
import { isAgeRecipient } from '../core/age-recipient.ts';
import { createTrust } from '../core/certificate-trust.ts';
import { type Parcel, packParcel } from '../escrow-parcel.ts';
import { readPrivateCa } from './private-ca.ts';
import { printable } from './problem-text.ts';
import { readSecretFile } from './secret-file.ts';

export interface RestoreOptions {
  recipient: string;
  out: string;
  keyFile?: string;
  from?: string;
  privateCa?: string;
  replaced?: string[];
}

const KEY_BYTES_MAX = 4_096;
/** 20 000 certificates have some 160 MB. */
const MAILBOX_BYTES_MAX = 512 * 1024 * 1024;
const SHOWN_MAX = 10;
const IDENTITY = /^AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}$/;

/** @throws KokoaError usage, mailbox_unreadable, nothing_packed, out_unwritable, and what packParcel throws */
export async function escrowRestore(
  pool: string,
  { recipient, out, keyFile, from, privateCa, replaced = [] }: RestoreOptions,
  fromStore: () => PoolMailbox,
): Promise<void> {
  if (!isAgeRecipient(recipient)) throw noRecipient(recipient);
  const authorities = [rootCertificates, privateCa === undefined ? [] : await readPrivateCa(privateCa)].map(
    createTrust,
  );
  const mailbox = from === undefined ? fromStore() : await readExported(from, pool);
  requireKnown(replaced, mailbox);
  const escrowKey = await readKey(keyFile);
  const { lines, names, leftOut } = await packParcel({
    ...{ mailbox, escrowKey, recipient, trust: { authorities, replaced } },
    sealing: escrowAge,
    now: Date.now(),
  });
  if (names.length > 0) await writeNew(out, `${lines.join('\n')}\n`);
  sayLeftOut(pool, leftOut);
  if (names.length === 0)
    throw new KokoaError('nothing_packed', `there is no certificate of pool ${printable(pool)} to pack`, {
      hint:
        leftOut.length > 0
          ? 'the reasons are above: correct them and run it again; nothing was written'
          : 'the mailbox holds none: try an older backup of the store; nothing was written',
    });
  console.log(`packed ${names.length} certificates of pool ${printable(pool)} into ${printable(out)}`);
  console.log(`next, on the new machine: kokoa-agent certs restore ${printable(out)}`);
}

/** What was typed is not repeated: it may be the offline key. */
function noRecipient(typed: string): KokoaError {
  if (/secret|plugin/i.test(typed))
    return new KokoaError('usage', '--recipient: found a secret key, expected age1 and 58 characters', {
      hint: 'the offline key is never an argument: the history of the shell has it now, remove it there. kokoa-agent status on the new machine prints what --recipient wants',
    });
  const isOfForm = /^age1[02-9ac-hj-np-z]{58}$/.test(typed);
  const found = isOfForm
    ? 'the checksum does not hold, so a character is another one than was printed'
    : `found ${typed.length} characters, expected age1 and 58 characters of lower-case letters and digits`;
  return new KokoaError('usage', `--recipient: ${found}`, {
    hint: 'copy it whole: kokoa-agent status on the new machine prints it behind its pool key',
  });
}

/** A name with a slip in it would change nothing, and nobody would see why. */
function requireKnown(replaced: readonly string[], { identity, certificates, signers }: PoolMailbox): void {
  const ofIdentity = [identity?.by, ...Object.keys(identity?.wraps ?? {})];
  const known = new Set([...certificates.map(({ by }) => by), ...ofIdentity, ...Object.keys(signers ?? {})]);
  const unknown = replaced.filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  const names = [...known].filter((name) => typeof name === 'string').sort();
  throw new KokoaError('usage', `--replaced: no edge ${printable(unknown.join(', '))} is in the mailbox`, {
    hint: `those that are: ${printable(names.slice(0, SHOWN_MAX).join(', ')) || 'none'}`,
  });
}

/** By reason, the most frequent first. */
function sayLeftOut(pool: string, leftOut: Parcel['leftOut']): void {
  if (leftOut.length === 0) return;
  console.log(`left out ${leftOut.length} certificates of pool ${printable(pool)}:`);
  const byReason = [...Map.groupBy(leftOut, ({ reason }) => reason)].sort(([, a], [, b]) => b.length - a.length);
  for (const [reason, some] of byReason.slice(0, SHOWN_MAX)) {
    const names = some.slice(0, SHOWN_MAX).map(({ name }) => printable(name));
    const more = some.length > SHOWN_MAX ? ` and ${some.length - SHOWN_MAX} more` : '';
    console.log(`  ${some.length}: ${printable(reason)}\n    ${names.join(', ')}${more}`);
  }
  if (byReason.length > SHOWN_MAX) console.log(`  and ${byReason.length - SHOWN_MAX} more reasons`);
}

/** Such as age-keygen writes it, with comments above. */
async function readKey(keyFile: string | undefined): Promise<string> {
  const text =
    keyFile === undefined
      ? await readInput()
      : await readSecretFile({ option: '--key-file', path: keyFile, bytesMax: KEY_BYTES_MAX });
  const key = text
    .split('\n')
    .map((line) => line.trim())
    .find((line) => IDENTITY.test(line));
  if (key !== undefined) return key;
  throw new KokoaError('usage', 'found no line AGE-SECRET-KEY-1..., expected the offline key of the pool', {
    hint: 'give it by --key-file, or pipe it to standard input; it is never an argument',
  });
}

async function readInput(): Promise<string> {
  if (process.stdin.isTTY) process.stderr.write('paste the offline key, then Enter and Ctrl-D:\n');
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const part of process.stdin) {
    text += part;
    if (text.length > KEY_BYTES_MAX) break;
  }
  return text;
}

async function readExported(path: string, pool: string): Promise<PoolMailbox> {
  const unreadable = (why: string, cause?: unknown) =>
    new KokoaError('mailbox_unreadable', `--from: ${printable(path)} ${why}`, {
      hint: `give the file that kokoa certs export ${printable(pool)} wrote`,
      cause,
    });
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const found = await file.stat();
      if (!found.isFile() || found.size > MAILBOX_BYTES_MAX) throw unreadable('is no plain file of bounded size');
      const value = JSON.parse(await file.readFile('utf8')) as Partial<PoolMailbox> | null;
      if (value?.pool !== pool)
        throw unreadable(`is the mailbox of ${printable(String(value?.pool))}, not of ${printable(pool)}`);
      if (!Array.isArray(value.certificates)) throw unreadable('is no mailbox');
      return value as PoolMailbox;
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof KokoaError) throw cause;
    throw unreadable(`cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'no JSON'})`, cause);
  }
}

async function writeNew(path: string, text: string): Promise<void> {
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new KokoaError(
      'out_unwritable',
      `cannot write ${printable(path)}: ${(cause as NodeJS.ErrnoException).code}`,
      {
        hint: 'name a file that does not exist yet, in a folder that this user may write',
        cause,
      },
    );
  }
}
