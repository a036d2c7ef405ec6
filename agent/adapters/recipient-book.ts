// `recipients.json`, written by the agent alone, and `approvals/`, in which each file is one approval of a person. Law: what is torn,
// foreign or too large counts as not there, so that nobody is known by accident.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { ESCROW_NAME } from '../../bundle/api.ts';
import { canonicalJson, sha256Hex } from '../../bundle/canonical.ts';
import type { Recipient, RecipientBook, RecipientRecord } from '../ports/recipient-book.ts';
import { makeOwnDirectory, readBounded, writeDurably } from './durable-write.ts';

const RECORD_BYTES_MAX = 1024 * 1024;
const APPROVAL_BYTES_MAX = 4096;
const APPROVALS_MAX = 300;
const RECIPIENTS_MAX = 1_001;

const recipient = {
  name: { type: 'string', pattern: '^(\\*escrow|[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)$' },
  recipient: { type: 'string', pattern: '^age1[02-9ac-hj-np-z]{58}$' },
  signingKey: { type: 'string', pattern: '^([A-Za-z0-9_-]{43})?$' },
};
const required = ['name', 'recipient', 'signingKey'];
const ajv = new Ajv();
const isApproval = ajv.compile<Recipient>({ type: 'object', required, properties: recipient });
const isRecord = ajv.compile<RecipientRecord>({
  type: 'object',
  required: ['pool', 'known', 'strangers'],
  properties: {
    pool: { type: 'string' },
    known: { type: 'array', maxItems: RECIPIENTS_MAX, items: { type: 'object', required, properties: recipient } },
    strangers: {
      type: 'array',
      maxItems: RECIPIENTS_MAX,
      items: {
        type: 'object',
        required: [...required, 'since'],
        properties: {
          ...recipient,
          since: { type: 'string', pattern: '^[0-9TZ:.-]{20,30}$' },
          given: { const: true },
        },
      },
    },
  },
});

export function openRecipientBook(stateDir: string): RecipientBook {
  const path = join(stateDir, 'recipients.json');
  const folder = join(stateDir, 'approvals');
  const fileOf = (one: Recipient) =>
    join(folder, `${one.name.replace(ESCROW_NAME, 'escrow')}-${sha256Hex(canonicalJson(one)).slice(0, 16)}.json`);
  return {
    load: async () => parsed(await readBounded(path, RECORD_BYTES_MAX).catch(() => undefined), isRecord),
    save: (record) => writeDurably(path, `${JSON.stringify(record)}\n`, { mode: 0o600, ours: true }),
    async approvals() {
      const names = (await readdir(folder).catch(() => [])).filter((name) => /^[a-z0-9].*\.json$/.test(name));
      const read = names.slice(0, APPROVALS_MAX).map(async (name) => {
        const text = await readBounded(join(folder, name), APPROVAL_BYTES_MAX).catch(() => undefined);
        return parsed(text, isApproval);
      });
      return (await Promise.all(read)).filter((one) => one !== undefined);
    },
    async approve({ name, recipient: key, signingKey }) {
      const one = { name, recipient: key, signingKey };
      await makeOwnDirectory(folder);
      await writeDurably(fileOf(one), `${JSON.stringify(one)}\n`, { mode: 0o600 });
    },
    async spend(approved) {
      for (const { name, recipient: key, signingKey } of approved)
        await rm(fileOf({ name, recipient: key, signingKey }), { force: true }).catch(() => undefined);
    },
  };
}

function parsed<T>(text: string | undefined, isIt: (value: unknown) => value is T): T | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return isIt(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
