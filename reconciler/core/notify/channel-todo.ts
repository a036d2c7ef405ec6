// What a person should do about a channel that did not take a message. Law: it names places and never what stands in them; a URL of a channel may
// be a secret, and so none is named.
import type { NotifyChannel } from '../../../schemas/types.ts';

type Kind = NotifyChannel['kind'];

/** `credentials`: they are of no use. `refused`: the same message would be refused again. `retry`: it may be taken later. */
export type ChannelTrouble = 'credentials' | 'refused' | 'retry';

/** `secretsDir`: undefined where nobody named it. */
export function channelTodo(channel: NotifyChannel, trouble: ChannelTrouble, secretsDir: string | undefined): string {
  const { kind, credentials } = channel;
  const place = placeOf(channel, secretsDir);
  if (trouble === 'refused') return REFUSED[kind](channel, place);
  if (trouble === 'retry') return RETRY[kind](channel, place);
  if (place === undefined) return 'kokoa validate says what the channel lacks';
  if (credentials?.file === undefined)
    return `give the service ${CREDENTIALS[kind]} as ${place}, and run this as root with CREDENTIALS_DIRECTORY=/run/credentials/UNIT, where UNIT is such as kokoa-reconciler.service`;
  const named = secretsDir === undefined ? '; DIR is the --secrets of kokoa serve, to be named here too' : '';
  return `put ${CREDENTIALS[kind]} into ${place}, a file that this account can read${named}`;
}

const CREDENTIALS: Readonly<Record<Kind, string>> = {
  webhook: 'the key, 16 characters or more on one line,',
  slack: 'the URL of the incoming webhook, on one line,',
  discord: 'the URL of the webhook, on one line,',
  smtp: 'the user, and the password on a second line,',
};

type Words = (channel: NotifyChannel, place?: string) => string;

const newUrl: Words = ({ kind }, place) => `make a new webhook in ${NAMES[kind]}, and put its URL into ${place}`;
const unreached: Words = ({ kind }) =>
  `see whether this machine reaches ${NAMES[kind]} (DNS, firewall), and try again: the reconciler would, for a day`;

const NAMES: Readonly<Record<Kind, string>> = {
  webhook: 'its url',
  slack: 'Slack',
  discord: 'Discord',
  smtp: 'its server',
};

const REFUSED: Readonly<Record<Kind, Words>> = {
  webhook: (_, place) =>
    `see the log of what answers at its url: it has to answer 2xx itself, and to check the signature with the key in ${place}`,
  slack: newUrl,
  discord: newUrl,
  smtp: ({ server, from }) => `see whether ${server} takes mail from ${from} to each address of "to" in kokoa.yaml`,
};

const RETRY: Readonly<Record<Kind, Words>> = {
  webhook: unreached,
  slack: unreached,
  discord: unreached,
  smtp: ({ server }, place) =>
    `see whether ${server} answers this machine, with TLS and a certificate that this machine trusts${place === undefined ? '' : `, and takes the login in ${place}`}`,
};

function placeOf({ credentials }: NotifyChannel, secretsDir = 'DIR'): string | undefined {
  if (credentials?.file !== undefined) return `${secretsDir}/_notify/${credentials.file}`;
  return credentials?.credential === undefined ? undefined : `the systemd credential _notify.${credentials.credential}`;
}
