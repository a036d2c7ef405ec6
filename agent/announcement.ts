// What a node announces of itself, before it has joined and after. Law: keys by their public halves, and what its owner allows; nothing else.
import type { Enrolment } from '../bundle/api.ts';
import { CONFIG_FORMAT } from '../bundle/config.ts';
import type { NodeKeys } from './adapters/node-keys.ts';
import { allowListEntries, parseAllowList } from './core/allow-list.ts';
import type { Settings } from './ports/settings.ts';

/** `address`: where others find it; empty where nobody knows. */
export function announcementOf(
  keys: Pick<NodeKeys, 'publicPart'>,
  { allow }: Pick<Settings, 'allow'>,
  address: Enrolment['address'],
): Enrolment {
  const entries = allowListEntries(parseAllowList(allow));
  return {
    ...keys.publicPart(),
    ...(address && { address }),
    ...(entries.length > 0 && { allow: entries }),
    formats: [CONFIG_FORMAT],
  };
}
