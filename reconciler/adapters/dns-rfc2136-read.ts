// What stands in a zone, read at its primary server: transferred where that is allowed and much is asked, else name by name. Law: what a
// wildcard makes up for a name (RFC 4592) does not stand there.
import { KokoaError } from '../../bundle/error.ts';
import { type Question, toldOf } from '../core/dns/answers.ts';
import { canonicalRecordName } from '../core/dns/record-set.ts';
import { isIn, namesAbove, type StandingRecords } from '../core/dns/transfer.ts';
import { askAuthority, transferZone } from './dig.ts';
import { type Rfc2136Options, sendUpdates } from './nsupdate.ts';

/** Many servers do not tell all types at once (RFC 8482); other types than these show when a CNAME is written beside them. */
const TYPES = ['AAAA', 'TXT', 'MX', 'CAA', 'HTTPS', 'SRV'];
const TYPES_OF_ZONE = ['SOA', 'NS'];
/** From so many names on, a transfer is less work. */
const TRANSFER_NAMES_MIN = 50;
/** Names of one question to nsupdate. */
const SUSPECTS_MAX = 100;

/** @throws KokoaError dns_unreachable, dns_refused, dns_credentials */
export async function listZone(options: Rfc2136Options, signal: AbortSignal): Promise<StandingRecords | undefined> {
  const found = await transferZone(options, signal);
  // A key that is not known, and a server of another zone, look like a transfer that is not allowed.
  if (found === undefined) await greetAuthority(options, signal);
  return found;
}

/** @throws KokoaError dns_unreachable, dns_refused, dns_credentials */
export async function readNames(
  options: Rfc2136Options,
  names: readonly string[],
  signal: AbortSignal,
): Promise<StandingRecords> {
  const { zone } = options;
  const asked = [...new Set(names)].filter((name) => canonicalRecordName(name) === name && isIn(name, zone));
  if (asked.length === 0) return new Map();
  const all = asked.length < TRANSFER_NAMES_MIN ? undefined : await listZone(options, signal);
  if (all !== undefined) return new Map(asked.flatMap((name) => (all.has(name) ? [[name, all.get(name)!]] : [])));

  const { told, exist } = await askNames(
    options,
    [...asked, ...asked.flatMap((name) => wildcards(name, zone))],
    signal,
  );
  const left = asked.filter((name) => exist.has(name) && told.get(name)?.isWhole === false);
  const more = await askTypes(options, left, signal);
  const standing = new Map(
    asked.map((name) => [name, [...(told.get(name)?.records ?? []), ...(more.get(name) ?? [])]]),
  );
  const found = asked.filter((name) => standing.get(name)!.length > 0);
  const suspects = found.filter((name) => wildcards(name, zone).some((one) => exist.has(one)));
  const own = new Set(await existing(options, suspects, signal));
  const madeUp = new Set(suspects.filter((name) => !own.has(name)));
  return new Map(found.filter((name) => !madeUp.has(name)).map((name) => [name, standing.get(name)!]));
}

/**
 * Returns when the server is the authority of the zone and knows the key.
 * @throws KokoaError dns_unreachable, dns_refused, dns_credentials
 */
export async function greetAuthority(options: Rfc2136Options, signal: AbortSignal): Promise<void> {
  await askNames(options, [], signal);
}

/** Who could make records up for a name that does not exist. */
function wildcards(name: string, zone: string): string[] {
  if (name === zone) return [];
  return [...namesAbove(name, zone), zone].map((above) => `*.${above}`).filter((one) => one !== name);
}

/** One question for each name; and one that tells whether the server is the authority at all. */
async function askNames(options: Rfc2136Options, names: readonly string[], signal: AbortSignal) {
  const questions = [...new Set(names)].map((name) => ({ name, type: 'A' }));
  const [soa, ...answers] = await ask(options, [{ name: options.zone, type: 'SOA' }, ...questions], signal);
  if (!soa?.records.some(({ type }) => type === 'SOA')) throw notTheAuthority(options);
  const exist = new Set(answers.filter(({ exists }) => exists).map(({ name }) => name));
  return { told: new Map(answers.map((answer) => [answer.name, answer])), exist };
}

/** The other types of names. */
async function askTypes(options: Rfc2136Options, names: readonly string[], signal: AbortSignal) {
  const types = (name: string) => (name === options.zone ? [...TYPES, ...TYPES_OF_ZONE] : TYPES);
  const questions = names.flatMap((name) => types(name).map((type) => ({ name, type })));
  const answers = await ask(options, questions, signal);
  const records = answers.flatMap((answer) => answer.records.map((record) => ({ asked: answer.name, record })));
  return new Map(
    [...Map.groupBy(records, ({ asked }) => asked)].map(([name, some]) => [name, some.map(({ record }) => record)]),
  );
}

/** Those that have records of their own: a prerequisite looks at the very name (RFC 2136, 2.4.4), which no question does. */
async function existing(options: Rfc2136Options, names: readonly string[], signal: AbortSignal): Promise<string[]> {
  const found: string[] = [];
  for (let at = 0; at < names.length; at += SUSPECTS_MAX) {
    const some = names.slice(at, at + SUSPECTS_MAX);
    const [all] = await exists(options, [some], signal);
    if (all) found.push(...some);
    else {
      const each = await exists(
        options,
        some.map((name) => [name]),
        signal,
      );
      found.push(...some.filter((_, index) => each[index]));
    }
  }
  return found;
}

async function exists(options: Rfc2136Options, groups: readonly (readonly string[])[], signal: AbortSignal) {
  const codes = await sendUpdates(
    options,
    groups.map((names) => names.map((name) => `prereq yxdomain ${name}.`)),
    signal,
  );
  for (const code of codes)
    if (code !== 'NOERROR' && code !== 'NXDOMAIN')
      throw new KokoaError(
        'dns_refused',
        `the server of ${options.zone} does not tell a name from a wildcard: ${code}`,
        {
          hint: 'let the TSIG key of the zone update it, or transfer it',
        },
      );
  return codes.map((code) => code === 'NOERROR');
}

async function ask(options: Rfc2136Options, questions: readonly Question[], signal: AbortSignal) {
  const answers = await askAuthority(options, questions, signal);
  return answers.map((answer) => {
    const told = toldOf(answer, options.zone);
    if (told.kind === 'untold') throw notTheAuthority(options);
    return { ...told, name: answer.name, exists: answer.status === 'NOERROR' || told.records.length > 0 };
  });
}

function notTheAuthority({ zone, address, port }: Rfc2136Options): KokoaError {
  return new KokoaError('dns_refused', `${address} port ${port} is not the authority of ${zone}`, {
    hint: 'give the zone the address of its primary server',
  });
}
