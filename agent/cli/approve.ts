// `kokoa-agent approve`: a person says that a machine, or the escrow key, may have the keys of the pool. Law: what is approved are the very
// keys that the person compared, and only this machine's disk remembers it; no bundle can. What the config names is not shown: it would be
// copied, and nothing compared.
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { ESCROW_NAME } from '../../bundle/api.ts';
import type { EdgePart } from '../../bundle/config.ts';
import { KokoaError } from '../../bundle/error.ts';
import { memberFingerprint } from '../../bundle/fingerprint.ts';
import { openNodeKeys } from '../adapters/node-keys.ts';
import { openRecipientBook } from '../adapters/recipient-book.ts';
import { isLocked } from '../adapters/state-lock.ts';
import { trustedDir } from '../adapters/trusted-dir.ts';
import { recipientsOf } from '../core/pool-recipients.ts';
import type { Recipient, RecipientBook } from '../ports/recipient-book.ts';
import { agentCommand } from './agent-command.ts';
import { readJoined } from './open-joined.ts';

/** The agent looks every 2 s while it waits for somebody. */
const TAKEN_MS = 6_000;
const LOOK_MS = 200;
const FINGERPRINT = /^[0-9a-f]{64}$/;

const HELP = `
FINGERPRINT is what kokoa-agent status on that machine calls its pool key: take
it from there, and not from what this machine or git says. With --escrow, the
recipient is the public line of the key that you keep offline.`;

export function registerApprove(program: Command): void {
  program
    .command('approve')
    .description('edges: let a machine have the keys of the pool, or say that one that has them should')
    .argument('[node]', 'name of the machine')
    .argument('[fingerprint...]', 'of its pool key, 64 hex digits')
    .option('--escrow <recipient>', 'in place of a machine: the escrow key of the pool, age1...')
    .addHelpText('after', HELP)
    .action(async (node: string | undefined, words: string[], { escrow }: { escrow?: string }) => {
      const stateDir = resolve(program.opts<{ state: string }>().state);
      const { node: me, fingerprint } = await readJoined(stateDir);
      const accepted = await trustedDir({ directory: stateDir, node: me, fingerprint }).accepted();
      if (accepted?.config.role !== 'edge')
        throw new KokoaError('no_pool', 'this machine has no signed configuration of an edge', {
          hint: `start the agent and look at ${agentCommand(stateDir, 'status')}`,
        });
      const asked = { node, fingerprint: words.join('').replace(/[\s:]/g, '').toLowerCase(), escrow };
      const keys = await openNodeKeys(stateDir);
      const own = { poolKey: memberFingerprint(keys.publicPart()), fingerprint: keys.fingerprint };
      const approved = askedFor(accepted.config.edge, me, asked, own);
      const book = openRecipientBook(stateDir);
      await book.approve(approved);
      const name = approved.name === ESCROW_NAME ? 'the escrow key' : approved.name;
      const isTaken = (await isLocked(stateDir)) && (await waitUntilTaken(book));
      console.log(`approved ${name} on ${me}${isTaken ? '' : ': it counts as soon as the agent runs'}`);
    });
}

/** What `kokoa-agent status` prints on this machine, by the names of its lines. */
export interface OwnLines {
  poolKey: string;
  fingerprint: string;
}

/** @throws KokoaError usage, unknown_member, other_keys, own_keys */
export function askedFor(
  edge: Pick<EdgePart, 'members' | 'escrow'>,
  me: string,
  { node, fingerprint, escrow }: { node: string | undefined; fingerprint: string; escrow: string | undefined },
  own?: OwnLines,
): Recipient {
  if (escrow !== undefined && node === undefined) return theEscrowKey(edge, escrow);
  if (node === undefined || escrow !== undefined || !FINGERPRINT.test(fingerprint))
    throw new KokoaError(
      'usage',
      `found ${JSON.stringify(fingerprint.slice(0, 80))}, expected a name and 64 hex digits`,
      {
        hint: 'kokoa-agent approve NODE FINGERPRINT, with the pool key that kokoa-agent status prints on that machine',
      },
    );
  const found = recipientsOf(edge, me).find(({ name }) => name === node);
  if (!found)
    throw new KokoaError('unknown_member', `the signed configuration names no other edge ${node} in the pool`, {
      hint: 'it is named once it has joined and its announcement is accepted: kokoa get edges',
    });
  if (withoutSpaces(memberFingerprint(found)) === fingerprint) return found;
  const mine =
    own && Object.entries(OWN_LINES).find(([line]) => withoutSpaces(own[line as keyof OwnLines]) === fingerprint);
  if (mine)
    throw new KokoaError('own_keys', `this is the ${mine[1]} of this machine, expected the pool key of ${node}`, {
      hint: `run kokoa-agent status on ${node}, and take its \`pool key\` from there`,
    });
  throw new KokoaError('other_keys', `the signed configuration names other keys for ${node} than this pool key`, {
    hint: `on ${node}, kokoa-agent status: did you take its \`fingerprint\` line, or another one, in place of its \`pool key\`? Then give that. If it is its pool key, somebody else has announced themselves in its place: approve nothing, set its state to revoked, and see docs/operate.md, The keys of a pool`,
  });
}

const OWN_LINES: Readonly<Record<keyof OwnLines, string>> = { poolKey: 'pool key', fingerprint: 'fingerprint' };

function withoutSpaces(text: string): string {
  return text.replaceAll(' ', '');
}

function theEscrowKey(edge: Pick<EdgePart, 'escrow'>, escrow: string): Recipient {
  if (edge.escrow === escrow) return { name: ESCROW_NAME, recipient: escrow, signingKey: '' };
  const named = edge.escrow === undefined ? 'no escrow key' : 'another key as the escrow key';
  throw new KokoaError('other_keys', `the signed configuration names ${named}`, {
    hint: 'compare it with the one that you keep offline; pools[].escrow in kokoa.yaml says which it is to be',
  });
}

async function waitUntilTaken(book: RecipientBook): Promise<boolean> {
  const until = performance.now() + TAKEN_MS;
  while ((await book.approvals()).length > 0) {
    if (performance.now() > until) return false;
    await delay(LOOK_MS);
  }
  return true;
}
