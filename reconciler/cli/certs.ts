// `kokoa certs`: what the pools' mailboxes hold, and how to get it back when all edges of a pool are lost. It reads the store beside the
// reconciler. Law: it holds no key of its own; the escrow key comes from a file or standard input and is kept nowhere.
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { stringify } from 'yaml';
import { KokoaError } from '../../bundle/error.ts';
import { type PoolMailbox, readMailboxesBeside } from '../adapters/mailboxes-beside.ts';
import { listedMailbox } from '../core/mailbox-list.ts';
import { escrowRestore, type RestoreOptions } from './certs-restore.ts';
import { certificateTable } from './certs-table.ts';
import { printable, withEscapes } from './problem-text.ts';

const DATA_HELP = 'the --data of kokoa serve';
const DATA_DEFAULT = '.kokoa';
const EPOCH_MAX = 1_000_000_000_000;

const LIST_HELP = `
GIVEN BY is the edge that ordered a certificate, or another holder that put it
there after that one was gone. KEY is the number of the pool's identity that it
is sealed to; older: its edges seal it anew when they can; ended: it is over.`;

const RESTORE_HELP = `
For the case that every edge of the pool is lost. On a new machine, after
kokoa-agent join and before kokoa-agent run:
  kokoa-agent status                    the age1... of its pool key
Here, with the offline key from a file or standard input:
  kokoa certs escrow-restore POOL --recipient age1... --out parcel
and there again, with the file that only that machine can open:
  kokoa-agent certs restore parcel
It then serves the same certificates, and nothing is ordered. What no authority
that browsers know signed is left out and listed, because whoever can write the
store can put one there; so is what the edge that it names did not sign. To
keep the offline key off this machine, take the mailbox to where it is:
  kokoa certs export POOL > mailbox.json
  kokoa certs escrow-restore POOL --from mailbox.json ...`;

interface ListOptions {
  data: string;
  output: 'table' | 'json' | 'yaml';
}

/** Adds the commands. @throws KokoaError pool_unknown, no_identity, what opening a store throws, and what escrowRestore throws */
export function registerCerts(program: Command): void {
  const certs = program.command('certs').description('the certificates that the edges of a pool hand to each other');
  certs
    .command('list')
    .description('list them: who gave them, from when until when, and to which identity they are sealed')
    .option('--data <dir>', DATA_HELP, DATA_DEFAULT)
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['table', 'json', 'yaml']).default('table'))
    .addHelpText('after', LIST_HELP)
    .action(({ data, output }: ListOptions) => {
      const pools = readAll(data).map((mailbox) => listedMailbox(mailbox, Date.now()));
      if (output === 'table') process.stdout.write(certificateTable(pools));
      else if (output === 'yaml') process.stdout.write(withEscapes(stringify({ pools })));
      else process.stdout.write(`${withEscapes(JSON.stringify({ pools }, undefined, 2))}\n`);
    });
  certs
    .command('rekey')
    .description('say what to write in kokoa.yaml, so that the edges of a pool make a new identity')
    .argument('<pool>', 'name of the pool')
    .option('--data <dir>', DATA_HELP, DATA_DEFAULT)
    .action((pool: string, { data }: { data: string }) => {
      process.stdout.write(rekeyText(requirePool(readAll(data), pool)));
    });
  certs
    .command('export')
    .description('print the mailbox of a pool: sealed texts, for kokoa certs escrow-restore elsewhere')
    .argument('<pool>', 'name of the pool')
    .option('--data <dir>', DATA_HELP, DATA_DEFAULT)
    .action((pool: string, { data }: { data: string }) => {
      process.stdout.write(`${JSON.stringify(requirePool(readAll(data), pool))}\n`);
    });
  certs
    .command('escrow-restore')
    .description('with the offline key of a pool, pack its certificates for one new machine')
    .argument('<pool>', 'name of the pool')
    .requiredOption('--recipient <age1>', 'of the machine that gets them, from kokoa-agent status there')
    .requiredOption('--out <file>', 'the file to write; it must not exist')
    .option('--key-file <file>', 'file with the offline key (default: standard input)')
    .addOption(new Option('--data <dir>', DATA_HELP).default(DATA_DEFAULT))
    .option('--from <file>', 'an exported mailbox in place of the store')
    .option('--private-ca <file>', 'PEM of an authority of your own that signed certificates of the pool')
    .option('--replaced <node...>', 'lost edges whose name another machine has now')
    .addHelpText('after', RESTORE_HELP)
    .action((pool: string, options: RestoreOptions & { data: string }) =>
      escrowRestore(pool, options, () => requirePool(readAll(options.data), pool)),
    );
}

function readAll(data: string): PoolMailbox[] {
  return readMailboxesBeside(join(resolve(data), 'store'), (words) =>
    process.stderr.write(`left out, damaged: ${printable(words)}\n`),
  );
}

function requirePool(mailboxes: readonly PoolMailbox[], pool: string): PoolMailbox {
  const found = mailboxes.find((one) => one.pool === pool);
  if (found) return found;
  const known = mailboxes.map((one) => one.pool).join(', ');
  const hint =
    mailboxes.length === 0
      ? 'none has in any pool: is --data that of the reconciler which the edges report to, and has an edge joined? See kokoa get edges'
      : `those that have: ${printable(known)}`;
  throw new KokoaError('pool_unknown', `no edge of a pool ${printable(pool)} has put anything into its mailbox`, {
    hint,
  });
}

/** @throws KokoaError no_identity, no_more_epochs */
function rekeyText({ pool, identity }: PoolMailbox): string {
  if (!identity)
    throw new KokoaError('no_identity', `pool ${printable(pool)} has no identity yet: there is nothing to replace`, {
      hint: 'its first edge makes one within a minute of its join: see kokoa get edges, and kokoa-agent status there',
    });
  const next = identity.epoch + 1;
  if (next > EPOCH_MAX)
    throw new KokoaError('no_more_epochs', `the identity of pool ${pool} has number ${identity.epoch}`, {
      hint: 'move its edges to a pool of another name',
    });
  return [
    `pool ${printable(pool)} has identity ${identity.epoch}. For a new one, write in kokoa.yaml and merge:`,
    '',
    'pools:',
    `  - name: ${printable(pool)}`,
    `    identityEpoch: ${next}`,
    '',
    `Its edges then make identity ${next} and seal all certificates to it. Nothing is ordered.`,
    'kokoa certs list shows when it is done.',
    '',
  ].join('\n');
}
