// `kokoa suspend|resume|revoke NODE` and `kokoa restrictions`: what an operator does on the reconciler's machine while git is down. They
// write to its store, beside it; it notices within a second, or at its next start.
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { KokoaError } from '../../bundle/error.ts';
import { openRestrictionsBeside, type RestrictionsBeside } from '../adapters/store-beside.ts';
import { hasReconciler } from '../adapters/store-database.ts';
import { printable } from './problem-text.ts';
import { type Change, type KnownState, resuming, revoking, suspending } from './restriction-change.ts';
import { restrictionsAsJson, restrictionsAsText } from './restriction-list.ts';
import { shellWord } from './shell-word.ts';

/** With its indent, a row of a terminal. */
const REASON_CHARS_MAX = 78;
const DATA_HELP = 'the --data of kokoa serve';
const DATA_DEFAULT = '.kokoa';

const HELP = `
For the machine of the reconciler, as its user or as root, when a change in git
cannot wait or cannot be made. It takes effect within a second, or when the
reconciler starts, and stays through restarts and commits. What git takes from a
node stays as well: set state in its file as soon as you can.`;

interface Options {
  data: string;
  reason?: string;
}

/** Adds the commands. @throws KokoaError usage, name_unknown, already_revoked, revoked_for_good, not_restricted, and what opening a store throws */
export function registerRestrictions(program: Command): void {
  const withReason = (command: Command) =>
    onNode(command).option('--reason <text>', `why, on one line of at most ${REASON_CHARS_MAX} characters`);
  withReason(program.command('suspend'))
    .description('without git: tell a node nothing new; it keeps serving what it has')
    .action((node: string, options: Options) =>
      change(node, options, (state, reason) => suspending(state, node, reason, Date.now(), dataWords(options.data))),
    );
  withReason(program.command('revoke'))
    .description('without git: cut a node off, for good under its present token')
    .action((node: string, options: Options) =>
      change(node, options, (state, reason) => revoking(state, node, reason, Date.now())),
    );
  onNode(program.command('resume'))
    .description('undo kokoa suspend; what git says of the node stays')
    .action((node: string, options: Options) => change(node, options, (state) => resuming(state, node)));
  program
    .command('restrictions')
    .description('list what suspend and revoke took from nodes on this machine')
    .option('--data <dir>', DATA_HELP, DATA_DEFAULT)
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text'))
    .action(({ data, output }: { data: string; output: 'text' | 'json' }) =>
      beside(data, async (store) => {
        const state = await stateOf(store);
        process.stdout.write(output === 'json' ? restrictionsAsJson(state) : restrictionsAsText(state));
      }),
    );
}

/** For a command that is printed to be typed: it means the same store. */
function dataWords(data: string): string {
  return data === DATA_DEFAULT ? '' : ` --data ${shellWord(printable(data))}`;
}

function onNode(command: Command): Command {
  return command
    .argument('<node>', 'an edge or origin')
    .option('--data <dir>', DATA_HELP, DATA_DEFAULT)
    .addHelpText('after', HELP);
}

async function change(
  node: string,
  { data, reason = '' }: Options,
  decide: (state: KnownState, reason: string) => Change,
): Promise<void> {
  requireReason(reason);
  await beside(data, async (store, directory) => {
    const { put, drop, said } = decide(await stateOf(store), reason);
    if (put) await store.putRestriction(put);
    if (drop) await store.dropRestriction(node, drop);
    const when = hasReconciler(directory)
      ? 'within a second'
      : `when kokoa serve starts again: none runs on ${printable(data)}`;
    process.stdout.write(`${[...said, ...(put || drop ? [`effective    ${when}`] : [])].join('\n')}\n`);
  });
}

async function beside(data: string, work: (store: RestrictionsBeside, directory: string) => Promise<void>) {
  const directory = join(resolve(data), 'store');
  const store = openRestrictionsBeside(directory);
  try {
    await work(store, directory);
  } finally {
    store.close();
  }
}

async function stateOf(store: RestrictionsBeside): Promise<KnownState> {
  return { slots: await store.slots(), restrictions: await store.restrictions() };
}

/** It stands in logs and lists, each of which is lines. */
function requireReason(reason: string): void {
  if (reason.length > REASON_CHARS_MAX)
    throw new KokoaError('usage', `--reason: found ${reason.length} characters, expected at most ${REASON_CHARS_MAX}`);
  if (printable(reason) !== reason)
    throw new KokoaError('usage', `--reason: found ${printable(reason)}, expected one line of printable characters`);
}
