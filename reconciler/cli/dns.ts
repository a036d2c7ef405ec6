// `kokoa dns plan|apply|adopt`: records of visitors, compared and written from the machine of the reconciler, beside it or without it. Law: plan
// writes nothing; adopt touches the names that were typed and no others.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { KokoaError } from '../../bundle/error.ts';
import { linesByHand, missingByHand } from '../core/dns/by-hand.ts';
import { LINES_MAX, zonePlanText } from '../core/dns/plan-text.ts';
import { compareZone, settleZone } from '../dns/settle-zone.ts';
import { DATA_TOP_HELP, dataTop } from './data-top.ts';
import { type DnsWorld, openDnsWorld, type ZoneAtHand, type ZoneByHand } from './dns-world.ts';
import { printable } from './problem-text.ts';

const HELP = `
For zones of kokoa.yaml that the reconciler writes, and pools with a hostname.
A running reconciler does by itself what apply does. Lines of a plan:
  + a new name   ~ another record than before   - not wanted any more
  * taken over   ! somebody else's: it is left alone   ? many deletions at once
Addresses of edges are those that the reconciler knows from its edges, so it
must have run once with the same --data.`;

interface DnsOptions {
  data: string;
  keys?: string;
  secrets?: string;
  dnsPrograms?: string;
  zone?: string;
}

interface ApplyOptions extends DnsOptions {
  allowDeletions?: string;
}

const DELETIONS_MAX = 1_000_000;
/** How often progress is said where no terminal is. */
const PROGRESS_EVERY = 1_000;
const LEFT_SHOWN_MAX = 20;
const LOOK_MS_MAX = 60_000;

/** Adds the commands. @throws KokoaError usage, and what opening data, store and zones throws */
export function registerDns(program: Command): void {
  const dns = program
    .command('dns')
    .description('records of visitors: what is there, what should be, and making it so');
  const common = (command: Command) =>
    command
      .option('--data <dir>', 'the --data of kokoa serve', '.kokoa')
      .option('--keys <dir>', 'the --keys of kokoa serve (default: those in --data)')
      .option('--secrets <dir>', 'the --secrets of kokoa serve, where credentials of zones are')
      .option('--dns-programs <dir>', 'the --dns-programs of kokoa serve')
      .option('--zone <name>', 'this zone alone');
  common(dns.command('plan').description('say what would be written'))
    .argument('[dir]', DATA_TOP_HELP)
    .addHelpText('after', HELP)
    .action((dir: string | undefined, options: DnsOptions) => inWorld(dir, options, plan));
  common(dns.command('apply').description('write it, and read it back'))
    .argument('[dir]', DATA_TOP_HELP)
    .option('--allow-deletions <n>', 'delete as many names at once as a plan held back')
    .addHelpText('after', HELP)
    .action((dir: string | undefined, options: ApplyOptions) => {
      const agreed = deletionsOf(options.allowDeletions);
      return inWorld(dir, options, (world) => apply(world, agreed));
    });
  common(dns.command('adopt').description('take names over, whatever stands there now'))
    .argument('<names...>', 'hostnames of routes or pools')
    .option('--dir <dir>', DATA_TOP_HELP)
    .addHelpText('after', HELP)
    .action((names: string[], { dir, ...options }: DnsOptions & { dir?: string }) =>
      inWorld(dir, options, (world) => adopt(world, new Set(names.map((name) => name.toLowerCase())))),
    );
}

async function inWorld(
  dir: string | undefined,
  { data, keys, secrets, dnsPrograms, zone }: DnsOptions,
  work: (world: DnsWorld) => Promise<boolean>,
): Promise<void> {
  const dataDir = resolve(data);
  const world = await openDnsWorld({
    ...{ dir: dataTop(dir), dataDir, keysDir: keys === undefined ? resolve(dataDir, 'keys') : resolve(keys) },
    ...{ secretsDir: secrets && resolve(secrets), programsDir: dnsPrograms && resolve(dnsPrograms), zone },
  });
  try {
    if (world.zones.length === 0)
      console.log('nothing to do: no pool of kokoa.yaml has a hostname in a zone that is written');
    if (!(await work(world))) process.exitCode = 1;
  } finally {
    world.close();
  }
}

/** A zone that cannot be read holds up no other. True: all could be compared. */
async function plan(world: DnsWorld): Promise<boolean> {
  const isRead = await inEach(world, async (zone) => {
    const { plan: found, settled } = await compareZone(zone.whole);
    process.stdout.write(printed(zonePlanText({ plan: found, provider: zone.provider, settled })));
    return true;
  });
  for (const zone of world.byHand) await planByHand(zone);
  return isRead;
}

/** What visitors see is all that can be known of such a zone. */
async function planByHand({ zone, access, wanted }: ZoneByHand): Promise<void> {
  try {
    const found = await access.read([...wanted.keys()], AbortSignal.timeout(LOOK_MS_MAX));
    const missing = missingByHand(wanted, found);
    const title = `${zone} (people): ${missing.length} to set, ${wanted.size - missing.length} as they should be`;
    process.stdout.write(printed([title, ...linesByHand(missing, zone).slice(0, LINES_MAX), ''].join('\n')));
  } catch (error) {
    if (!(error instanceof KokoaError)) throw error;
    console.error(`${printable(zone)}: what people set there cannot be seen: ${printable(error.message)}`);
  }
}

function apply(world: DnsWorld, deletionsAgreed: number): Promise<boolean> {
  return inEach(world, (zone) => applyZone({ ...zone, whole: { ...zone.whole, deletionsAgreed } }));
}

async function applyZone({ whole, provider }: ZoneAtHand): Promise<boolean> {
  const { plan: found, settled } = await compareZone(whole);
  process.stdout.write(printed(zonePlanText({ plan: found, provider, settled })));
  if (found.changes.length === 0) return found.held.length === 0;
  const { written, left, stopped } = await settleZone(whole, found.changes, progressOf(whole.zone));
  console.log(`${printable(whole.zone)}: ${written} written and read back, ${left.size} left`);
  for (const [name, end] of [...left].slice(0, LEFT_SHOWN_MAX))
    console.log(`  ! ${printable(name)}: ${printable('reason' in end ? end.reason : end.kind)}`);
  if (stopped) throw stopped;
  return left.size === 0 && found.held.length === 0;
}

async function adopt(world: DnsWorld, names: ReadonlySet<string>): Promise<boolean> {
  const known = new Set(world.zones.flatMap(({ whole }) => [...whole.wanted.keys()]));
  const strange = [...names].find((name) => !known.has(name));
  if (strange !== undefined)
    throw new KokoaError('usage', `${printable(strange)} is no hostname that git wants in a zone that is written`, {
      hint: 'add its route first, and give its zone a provider; kokoa dns plan lists what is in the way',
    });
  return inEach(world, async (zone) => {
    const wanted = new Map([...zone.whole.wanted].filter(([name]) => names.has(name)));
    if (wanted.size === 0) return true;
    return applyZone({ ...zone, whole: { ...zone.whole, wanted, only: true, adopted: names } });
  });
}

async function inEach({ zones }: DnsWorld, work: (zone: ZoneAtHand) => Promise<boolean>): Promise<boolean> {
  let isWell = true;
  for (const zone of zones) {
    try {
      isWell = (await work(zone)) && isWell;
    } catch (error) {
      if (!(error instanceof KokoaError)) throw error;
      isWell = false;
      console.error(`${printable(zone.whole.zone)}: ${printable(error.message)}`);
      if (error.hint) console.error(`  ${printable(error.hint)}`);
    }
  }
  return isWell;
}

function progressOf(zone: string): (done: number, all: number) => void {
  let said = 0;
  return (done, all) => {
    if (process.stderr.isTTY)
      return void process.stderr.write(`\r${zone}: ${done} of ${all}${done === all ? '\n' : ''}`);
    if (done - said < PROGRESS_EVERY && done !== all) return;
    said = done;
    process.stderr.write(`${zone}: ${done} of ${all}\n`);
  };
}

function printed(text: string): string {
  return `${text.split('\n').map(printable).join('\n')}\n`;
}

function deletionsOf(text: string | undefined): number {
  if (text === undefined) return 0;
  const count = Number(text);
  if (Number.isInteger(count) && count > 0 && count <= DELETIONS_MAX) return count;
  throw new KokoaError(
    'usage',
    `found --allow-deletions ${printable(text.slice(0, 40))}, expected a number such as 40`,
    {
      hint: 'kokoa dns plan says how many were held back',
    },
  );
}
