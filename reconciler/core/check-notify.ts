// The notification channels of kokoa.yaml: what one says fits its kind, and nothing crosses a network in the open.
import type { NotifyChannel } from '../../schemas/types.ts';
import type { LoadedFile } from './files.ts';
import { readMailServer } from './notify/mail-server.ts';
import { targetUrl } from './notify/target-url.ts';
import { type Problem, problemAt } from './problem.ts';
import { shown } from './shown.ts';

const FIELDS = ['credentials', 'url', 'server', 'from', 'to'] as const;
type Field = (typeof FIELDS)[number];

/** What a kind needs; smtp may have credentials. */
const NEEDED: Readonly<Record<NotifyChannel['kind'], readonly Field[]>> = {
  webhook: ['url', 'credentials'],
  slack: ['credentials'],
  discord: ['credentials'],
  smtp: ['server', 'from', 'to'],
};
const OPTIONAL: Readonly<Partial<Record<NotifyChannel['kind'], Field>>> = { smtp: 'credentials' };

interface Misfit {
  field: string;
  found: string;
  expected: string;
  todo: string;
}

export function checkNotify(file: LoadedFile<'kokoa'>, channels: readonly NotifyChannel[]): Problem[] {
  return channels.flatMap((channel, at) =>
    misfitsOf(channel).map(({ field, found, expected, todo }) => {
      const message = `notify[${at}].${field}: found ${found}, expected ${expected}`;
      return problemAt(file, file.locate(`/notify/${at}/${field}`), 'KK420', message, todo);
    }),
  );
}

function misfitsOf(channel: NotifyChannel): Misfit[] {
  const { kind, url, server } = channel;
  const needed = NEEDED[kind];
  const missing = needed.filter((field) => channel[field] === undefined);
  const foreign = FIELDS.filter((field) => channel[field] !== undefined && !needed.includes(field));
  const found: Misfit[] = foreign
    .filter((field) => OPTIONAL[kind] !== field)
    .map((field) => ({
      ...{ field, found: 'it', expected: `it only with kind: ${kindsWith(field).join(' or ')}` },
      todo: 'delete it, or change the kind',
    }));
  if (missing.length > 0)
    found.push({
      ...{ field: 'kind', found: `${kind} without ${missing.join(' and ')}`, expected: needed.join(', ') },
      todo: `write ${missing.join(' and ')} (docs/operate.md, Notifications)`,
    });
  if (url !== undefined && needed.includes('url') && targetUrl(url) === undefined)
    found.push({
      ...{ field: 'url', found: shown(url), expected: 'an https URL without a user and a fragment' },
      todo: 'write https://; plain http:// is for this machine, such as http://127.0.0.1:9000/kokoa',
    });
  if (server !== undefined && needed.includes('server') && readMailServer(server) === undefined)
    found.push({
      ...{ field: 'server', found: shown(server), expected: 'HOST or HOST:PORT' },
      todo: "such as mail.hoge.com:587 or '[2001:db8::25]:465'",
    });
  return found;
}

function kindsWith(field: Field): string[] {
  return (Object.keys(NEEDED) as NotifyChannel['kind'][]).filter(
    (kind) => NEEDED[kind].includes(field) || OPTIONAL[kind] === field,
  );
}
