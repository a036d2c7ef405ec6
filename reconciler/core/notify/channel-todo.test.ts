// What a person should do about a channel: places are named, URLs are not.
import { expect, it } from 'vitest';
import type { NotifyChannel } from '../../../schemas/types.ts';
import { type ChannelTrouble, channelTodo } from './channel-todo.ts';

const WEBHOOK: NotifyChannel = {
  ...{ name: 'pager', kind: 'webhook', url: 'https://alerts.hoge.com/canary', credentials: { file: 'pager' } },
};
const SLACK: NotifyChannel = { name: 'chat', kind: 'slack', credentials: { credential: 'chat' } };
const DISCORD: NotifyChannel = { name: 'games', kind: 'discord', credentials: { file: 'games' } };
const MAIL: NotifyChannel = {
  ...{ name: 'mail', kind: 'smtp', server: 'mail.hoge.com:587', from: 'kokoa@hoge.com', to: ['ops@hoge.com'] },
};
const LOGIN: NotifyChannel = { ...MAIL, credentials: { file: 'mail' } };

it.each<[NotifyChannel, ChannelTrouble, string | undefined, string]>([
  [
    ...([WEBHOOK, 'credentials', '/s'] as const),
    'put the key, 16 characters or more on one line, into /s/_notify/pager, a file that this account can read',
  ],
  [
    ...([LOGIN, 'credentials', undefined] as const),
    'put the user, and the password on a second line, into DIR/_notify/mail, a file that this account can read; DIR is the --secrets of kokoa serve, to be named here too',
  ],
  [
    ...([SLACK, 'credentials', '/s'] as const),
    'give the service the URL of the incoming webhook, on one line, as the systemd credential _notify.chat, and run this as root with CREDENTIALS_DIRECTORY=/run/credentials/UNIT, where UNIT is such as kokoa-reconciler.service',
  ],
  [MAIL, 'credentials', '/s', 'kokoa validate says what the channel lacks'],
  [
    ...([WEBHOOK, 'refused', '/s'] as const),
    'see the log of what answers at its url: it has to answer 2xx itself, and to check the signature with the key in /s/_notify/pager',
  ],
  [
    ...([SLACK, 'refused', '/s'] as const),
    'make a new webhook in Slack, and put its URL into the systemd credential _notify.chat',
  ],
  [
    ...([DISCORD, 'refused', undefined] as const),
    'make a new webhook in Discord, and put its URL into DIR/_notify/games',
  ],
  [
    ...([MAIL, 'refused', '/s'] as const),
    'see whether mail.hoge.com:587 takes mail from kokoa@hoge.com to each address of "to" in kokoa.yaml',
  ],
  [
    ...([WEBHOOK, 'retry', '/s'] as const),
    'see whether this machine reaches its url (DNS, firewall), and try again: the reconciler would, for a day',
  ],
  [
    ...([DISCORD, 'retry', '/s'] as const),
    'see whether this machine reaches Discord (DNS, firewall), and try again: the reconciler would, for a day',
  ],
  [
    ...([MAIL, 'retry', '/s'] as const),
    'see whether mail.hoge.com:587 answers this machine, with TLS and a certificate that this machine trusts',
  ],
  [
    ...([LOGIN, 'retry', '/s'] as const),
    'see whether mail.hoge.com:587 answers this machine, with TLS and a certificate that this machine trusts, and takes the login in /s/_notify/mail',
  ],
])('%o, %s, %s', (channel, trouble, secretsDir, todo) => {
  expect(channelTodo(channel, trouble, secretsDir)).toBe(todo);
  expect(todo).not.toContain('canary');
});
