// Writes changes at the primary server of a zone, many in one message. A message is done as a whole or not at all (RFC 2136, 3.7); so one that
// is not done is sent again without what does not fit, or in halves. Law: nothing is done that does not find what it expects.
import { KokoaError } from '../../bundle/error.ts';
import { readNameRecords, textPieces } from '../core/dns/printed-record.ts';
import { fits } from '../core/dns/record-set.ts';
import type { StandingRecords } from '../core/dns/transfer.ts';
import { isWritable, messages, type Spelling, updateLines } from '../core/dns/update-lines.ts';
import type { ChangeOutcome, NameChange, Written, ZoneChange } from '../ports/dns-zone.ts';
import { greetAuthority, readNames } from './dns-rfc2136-read.ts';
import { type Rfc2136Options, sendUpdates, UNMET } from './nsupdate.ts';

/** Of one write: beyond them the server refuses nearly everything. */
const MESSAGES_MAX = 200;
/** The server says no to something in the message. knot says so even of a key that it knows. */
const REFUSALS = /^(?:REFUSED|FORMERR|NOTZONE|NOTAUTH.*)$/;

interface Member {
  at: number;
  change: ZoneChange;
}

interface Message {
  members: readonly Member[];
  /** What stood there when it was not done the last time. */
  found?: StandingRecords;
}

/** Never throws. */
export async function writeChanges(
  options: Rfc2136Options,
  changes: readonly ZoneChange[],
  signal: AbortSignal,
): Promise<Written> {
  const outcomes = changes.map((change): ChangeOutcome => {
    if (isWritable(change, options.zone)) return { kind: 'unknown' };
    return { kind: 'refused', reason: `a change has something else than records of ${options.zone}` };
  });
  const members = changes.map((change, at) => ({ at, change })).filter(({ at }) => outcomes[at]?.kind === 'unknown');
  const queue: Message[] = messages(members).map((some) => ({ members: some }));
  const end = (some: readonly Member[], outcome: (change: ZoneChange) => ChangeOutcome) => {
    for (const { at, change } of some) outcomes[at] = outcome(change);
  };
  let isKnown = false;
  try {
    for (let sent = 0, next = queue.shift(); next !== undefined; next = queue.shift(), sent += 1) {
      if (sent === MESSAGES_MAX) throw refused(options, `${MESSAGES_MAX} messages were not enough`);
      const code = await send(options, next, signal);
      if (code === 'NOERROR') end(next.members, () => ({ kind: 'done' }));
      else if (UNMET.includes(code)) queue.unshift(...(await sortOut(options, next, end, signal)));
      else if (!REFUSALS.test(code)) throw refused(options, code);
      else {
        if (!isKnown) await greetAuthority(options, signal);
        isKnown = true;
        if (next.members.length > 1) queue.unshift(...halves(next));
        else end(next.members, (change) => ({ kind: 'refused', reason: reason(code, change) }));
      }
    }
  } catch (error) {
    return { outcomes, stopped: error as Error };
  }
  return { outcomes };
}

async function send(options: Rfc2136Options, { members, found }: Message, signal: AbortSignal): Promise<string> {
  const spelling: Spelling = (name, text) =>
    found
      ?.get(name)
      ?.map(({ type, data }) => (type === 'TXT' ? textPieces(data) : undefined))
      .find((pieces) => pieces?.join('') === text);
  const lines = members.flatMap(({ change }) => change.flatMap((one) => updateLines(one, spelling)));
  const [code = ''] = await sendUpdates(options, [lines], signal);
  return code;
}

/** What is sent instead of a message of which something did not find what it expects. */
async function sortOut(
  options: Rfc2136Options,
  message: Message,
  end: (some: readonly Member[], outcome: (change: ZoneChange) => ChangeOutcome) => void,
  signal: AbortSignal,
): Promise<Message[]> {
  const { members } = message;
  const names = members.flatMap(({ change }) => change.map(({ name }) => name));
  const found = await readNames(options, names, signal);
  const misfits = members.filter(({ change }) => change.some((one) => !isFitting(one, found)));
  end(misfits, (change) => ({ kind: 'clash', name: change.find((one) => !isFitting(one, found))?.name ?? '' }));
  const rest = members.filter((member) => !misfits.includes(member));
  if (rest.length === 0) return [];
  // All seems to fit: it was changed meanwhile, or a text stands there in other pieces than ours.
  if (misfits.length > 0 || message.found === undefined) return [{ members: rest, found }];
  if (rest.length > 1) return halves({ members: rest, found });
  end(rest, (change) => ({ kind: 'clash', name: change[0]?.name ?? '' }));
  return [];
}

function isFitting(change: NameChange, found: StandingRecords): boolean {
  const records = found.get(change.name) ?? [];
  const isTextBesideCname =
    change.after.some(({ type }) => type === 'TXT') && records.some(({ type }) => type === 'CNAME');
  return !isTextBesideCname && fits(change, readNameRecords(records));
}

function halves({ members, found }: Message): Message[] {
  const middle = Math.ceil(members.length / 2);
  return [members.slice(0, middle), members.slice(middle)].map((some) => ({ members: some, ...(found && { found }) }));
}

function reason(code: string, change: ZoneChange): string {
  return `the server does not let the key write ${change.map(({ name }) => name).join(' and ')}: ${code}`;
}

function refused({ zone, address, port }: Rfc2136Options, why: string): KokoaError {
  return new KokoaError('dns_refused', `${address} port ${port} refused an update of ${zone}: ${why}`, {
    hint: 'let the TSIG key of the zone update A, AAAA, CNAME and TXT records in it',
  });
}
