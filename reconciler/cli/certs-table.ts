// Mailboxes as a table for people, in 80 columns. Pure. What is in a mailbox came from nodes: nothing of it acts on a terminal.
import type { ListedCertificate, ListedMailbox } from '../core/mailbox-list.ts';
import { printable, wrap } from './problem-text.ts';

const HEADS = ['NAME', 'GIVEN BY', 'FROM', 'UNTIL', 'KEY'] as const;
const INDENT = '  ';
/** Name, and who gave it; longer ones stand on a line of their own. */
const NAME_COLUMNS = 34;
const BY_COLUMNS = 14;
const DAY_CHARACTERS = 10;

export function certificateTable(mailboxes: readonly ListedMailbox[]): string {
  if (mailboxes.length === 0) return 'no pool has put anything into its mailbox yet\n';
  return `${mailboxes.map((mailbox) => linesOf(mailbox).join('\n')).join('\n\n')}\n`;
}

function linesOf({ pool, identity, certificates }: ListedMailbox): string[] {
  const said = wrap(`pool ${pool}: ${identityText(identity)}`, '').map(printable);
  if (certificates.length === 0) return [...said, `${INDENT}no certificates`];
  return [...said, line(HEADS), ...certificates.flatMap(row)];
}

function identityText(identity: ListedMailbox['identity']): string {
  if (!identity) return 'no identity yet';
  const { epoch, by, wrappedFor, escrow, withheld } = identity;
  const holders = [...wrappedFor, ...(escrow ? ['the escrow key'] : [])].join(', ');
  const waits = withheld.length === 0 ? '' : `; a person has to approve ${withheld.join(', ')} on ${by}`;
  return `identity ${epoch}, by ${by}, for ${holders}${escrow ? '' : ' and no escrow key'}${waits}`;
}

function row({ name, by, notBefore, notAfter, epoch, ended }: ListedCertificate): string[] {
  const days = [notBefore, notAfter].map((time) => time.slice(0, DAY_CHARACTERS));
  const key = ended ? 'ended' : epoch === null ? 'older' : `${epoch}`;
  const whole = [name, by, ...days, key].map(printable);
  if (whole[0]!.length <= NAME_COLUMNS && whole[1]!.length <= BY_COLUMNS) return [line(whole)];
  return [...wrap(whole[0]!, ''), ...wrap(`${INDENT}by ${whole[1]}`, INDENT), line(['', '', ...whole.slice(2)])];
}

function line([name = '', by = '', from = '', until = '', key = '']: readonly string[]): string {
  const [first, second] = [name.padEnd(NAME_COLUMNS), by.padEnd(BY_COLUMNS)];
  return [first, second, from.padEnd(DAY_CHARACTERS), until.padEnd(DAY_CHARACTERS), key].join(' ').trimEnd();
}
