// `kokoa notify test`: one message through each notification channel of kokoa.yaml, sent as the reconciler sends. Law: no word of a credential is
// printed; each is tried once, and one that hangs holds up no other.
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { KokoaError } from '../../bundle/error.ts';
import type { NotifyChannel } from '../../schemas/types.ts';
import { createSecretPlaces } from '../adapters/secret-places.ts';
import { type ChannelTrouble, channelTodo } from '../core/notify/channel-todo.ts';
import { testNotice } from '../core/notify/test-notice.ts';
import { KOKOA_FILE } from '../core/paths.ts';
import { notifierOf } from '../notify-channels.ts';
import { NOTIFIERS } from '../operators.ts';
import type { SecretPlaces } from '../ports/secrets.ts';
import { DATA_TOP_HELP, dataTop } from './data-top.ts';
import { isError } from './judgement.ts';
import { printable, wrap } from './problem-text.ts';
import { judgeDir, renderJudgement } from './validate.ts';

const HELP = `
Each channel gets one message that says that it is a test, also where its "on"
asks for few kinds. It is sent as the reconciler sends, with the credentials as
it finds them: so run this on its machine, as its account. Nothing is tried
twice, and a running reconciler notices nothing.

Exit code: 0 all were sent, 1 one was not, or there is no channel.`;

interface TestOptions {
  secrets?: string;
  channel?: string;
}

type Tried = { kind: 'sent' } | { kind: ChannelTrouble; reason: string };

/** Adds the command. @throws KokoaError data_invalid, no_channels, channel_unknown, and what reading the data throws */
export function registerNotify(program: Command): void {
  program
    .command('notify')
    .description('how operators are told when something changes its state')
    .command('test')
    .description('send a test message through each channel of kokoa.yaml')
    .argument('[dir]', DATA_TOP_HELP)
    .option('--secrets <dir>', 'the --secrets of kokoa serve, where credentials of channels are')
    .option('--channel <name>', 'this channel alone')
    .addHelpText('after', HELP)
    .action(test);
}

async function test(dir: string | undefined, { secrets, channel }: TestOptions): Promise<void> {
  const channels = wantedOf(channelsOf(dataTop(dir)), channel);
  const secretsDir = secrets === undefined ? undefined : resolve(secrets);
  const places = createSecretPlaces({ secretsDir, credentialsDir: process.env.CREDENTIALS_DIRECTORY, env: {} });
  // All at once: of twenty mail servers that say nothing each takes half a minute.
  const trying = channels.map(async (one) => ({ one, tried: await tryOnce(one, places) }));
  let sent = 0;
  for (const { one, tried } of await Promise.all(trying)) {
    if (tried.kind === 'sent') sent += 1;
    console.log(linesOf(one, tried, secretsDir).join('\n'));
  }
  if (sent < channels.length) {
    console.log(`${sent} of ${channels.length} sent`);
    process.exitCode = 1;
  }
}

/** Errors of other files keep nobody from trying a channel, as they keep no message from being sent. */
function channelsOf(dir: string): readonly NotifyChannel[] {
  const judgement = judgeDir(dir);
  const problems = judgement.problems.filter((problem) => problem.file === KOKOA_FILE && isError(problem));
  if (problems.length > 0) {
    process.stderr.write(renderJudgement({ ...judgement, problems }, dir, 'text'));
    throw new KokoaError('data_invalid', 'nothing is sent for a kokoa.yaml with errors', {
      hint: 'correct what is listed above',
    });
  }
  const kokoa = judgement.loaded.find((file) => file.kind === 'kokoa');
  return (kokoa?.kind === 'kokoa' && kokoa.value?.notify) || [];
}

function wantedOf(channels: readonly NotifyChannel[], name: string | undefined): readonly NotifyChannel[] {
  if (channels.length === 0)
    throw new KokoaError('no_channels', 'kokoa.yaml has no notification channel', {
      hint: 'write notify: into kokoa.yaml (docs/operate.md, Notifications)',
    });
  const wanted = channels.filter((channel) => name === undefined || channel.name === name);
  if (wanted.length > 0) return wanted;
  throw new KokoaError('channel_unknown', `${printable(name!)} is no notification channel of kokoa.yaml`, {
    hint: wrap(`its channels: ${channels.map((channel) => channel.name).join(', ')}`, '', '').join('\n'),
  });
}

async function tryOnce(channel: NotifyChannel, places: SecretPlaces): Promise<Tried> {
  const notifier = await notifierOf(channel, places, NOTIFIERS, Date.now);
  if ('problem' in notifier) return { kind: 'credentials', reason: notifier.problem };
  const notice = testNotice(channel.name, randomBytes(16).toString('hex'), new Date());
  const sent = await notifier.send(notice, new AbortController().signal);
  return sent.outcome === 'sent' ? { kind: 'sent' } : { kind: sent.outcome, reason: sent.reason };
}

function linesOf(channel: NotifyChannel, tried: Tried, secretsDir: string | undefined): string[] {
  const title = `${channel.name} (${channel.kind})`;
  if (tried.kind === 'sent') return [`${title}: sent`];
  // Some reasons begin with it.
  const why = tried.reason.replace(/^not sent: /, '');
  return [
    ...wrap(`${title}: not sent: ${why}`, '', '  '),
    ...wrap(`to do: ${channelTodo(channel, tried.kind, secretsDir)}`, '  '),
  ];
}
