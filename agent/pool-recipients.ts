// Keeps the book of who may have the pool's identity: writes down what the signed config names, takes approvals over, and says once what
// is new. Law: what counts is what is on the disk, so that a restart neither forgets a stranger nor greets it twice.
import { type StatusReport, UNACKNOWLEDGED_MAX, type Unacknowledged } from '../bundle/api.ts';
import type { EdgeConfig } from '../bundle/config.ts';
import type { Log } from './certificate-orders.ts';
import { isSame, nextRecord, recipientsOf } from './core/pool-recipients.ts';
import type { RecipientBook, RecipientRecord } from './ports/recipient-book.ts';

/** How soon an approval is noticed. */
export const APPROVAL_LOOK_MS = 2_000;

export interface PoolRecipientsDependencies {
  book: RecipientBook;
  /** What the owner of this machine said at join: nothing is wrapped for a stranger. */
  approvalIsRequired: boolean;
  log: Log;
  now(): number;
}

export interface PoolRecipients {
  /**
   * Compares the config with the book; call it before anything is wrapped. `wrappedFor`: of the identity held here.
   * @throws KokoaError state_unwritable
   */
  look(config: EdgeConfig, wrappedFor: Readonly<Record<string, string>> | undefined): Promise<void>;
  /** Names for which nothing is wrapped here, and whose word does not count: those that await approval. */
  unapproved(): ReadonlySet<string>;
  /** Notes, and says, that strangers among `names` are about to get the identity. @throws KokoaError state_unwritable */
  giving(names: readonly string[]): Promise<void>;
  /** True while a person is waited for. */
  awaited(): boolean;
  /** Grows with every change of `status`. */
  revision(): number;
  /** For the report. */
  status(): Pick<StatusReport, 'unacknowledged'>;
}

export function createPoolRecipients(dependencies: PoolRecipientsDependencies): PoolRecipients {
  const { book, approvalIsRequired, log, now } = dependencies;
  let record: RecipientRecord | undefined;
  let text = '';
  let revision = 0;
  let unapproved: ReadonlySet<string> = new Set();

  async function keep(next: RecipientRecord): Promise<void> {
    const written = JSON.stringify(next);
    if (written !== text) {
      await book.save(next);
      revision += 1;
    }
    [record, text] = [next, written];
    unapproved = new Set(approvalIsRequired ? next.strangers.map(({ name }) => name) : []);
  }

  function sayNews(before: RecipientRecord | undefined, after: RecipientRecord): void {
    for (const one of after.strangers) {
      if (before?.strangers.some((other) => isSame(other, one))) continue;
      const fields = { name: one.name, recipient: one.recipient, ...(approvalIsRequired && { withheld: true }) };
      log.warn(fields, 'the signed config names a recipient not seen before');
    }
    for (const one of after.known)
      if (before?.strangers.some((other) => isSame(other, one)))
        log.info({ name: one.name, recipient: one.recipient }, 'a person approved a recipient');
  }

  return {
    async look(config, wrappedFor) {
      const { pool } = config.edge;
      if (record === undefined) {
        record = await book.load();
        text = JSON.stringify(record ?? '');
      }
      const before = record?.pool === pool ? record : undefined;
      const approvals = await book.approvals();
      const recipients = recipientsOf(config.edge, config.node);
      const next = nextRecord({ pool, recipients, record, approvals, wrappedFor, approvalIsRequired, nowMs: now() });
      await keep(next);
      // One for keys that the config does not name yet waits for it.
      await book.spend(approvals.filter((one) => next.known.some((other) => isSame(other, one))));
      sayNews(before, next);
    },
    unapproved: () => unapproved,
    async giving(names) {
      const isNew = ({ name, given }: RecipientRecord['strangers'][number]) => !given && names.includes(name);
      const strangers = record?.strangers.filter(isNew) ?? [];
      if (!record || strangers.length === 0) return;
      const noted = record.strangers.map((one) => (isNew(one) ? { ...one, given: true as const } : one));
      await keep({ ...record, strangers: noted });
      for (const { name, recipient } of strangers)
        log.warn({ node: name, recipient }, 'wrapping the pool identity for a recipient not seen before');
    },
    revision: () => revision,
    awaited: () => (record?.strangers.length ?? 0) > 0,
    status() {
      const unacknowledged = (record?.strangers ?? [])
        .slice(0, UNACKNOWLEDGED_MAX)
        .map(({ name, since }): Unacknowledged => ({ name, since, ...(unapproved.has(name) && { withheld: true }) }));
      return unacknowledged.length === 0 ? {} : { unacknowledged };
    },
  };
}
