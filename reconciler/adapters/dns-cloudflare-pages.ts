// A list that comes in pages, held against itself. Law: a list that contradicts itself is no list; nobody is to take the half of a zone for the
// whole of it.
import { KokoaError } from '../../bundle/error.ts';
import type { Page } from './dns-cloudflare-answers.ts';

/** Fewer requests, and fewer chances that the list changes between two of them. */
export const PAGE_RECORDS = 5_000;
const RECORDS_MAX = 200_000;
const PAGES_MAX = 400;

/** @throws KokoaError dns_unreachable, dns_refused, and what `ask` throws */
export async function allPages<T extends { id: string }>(ask: (page: number) => Promise<Page<T>>): Promise<T[]> {
  const found = new Map<string, T>();
  let total: number | undefined;
  for (let page = 1; page <= PAGES_MAX; page += 1) {
    const { result, result_info: info } = await ask(page);
    total ??= info.total_count;
    if (total > RECORDS_MAX)
      throw new KokoaError('dns_refused', `${total} records are listed, expected ${RECORDS_MAX}`);
    if (info.page !== page) throw contradiction(`page ${page} was asked for, and ${info.page} came`);
    if (info.count !== result.length) throw contradiction(`a page of ${info.count} has ${result.length} entries`);
    if (info.total_count !== total) throw contradiction(`of ${total} entries there are ${info.total_count} now`);
    for (const one of result) {
      if (found.has(one.id)) throw contradiction('an entry came twice');
      found.set(one.id, one);
    }
    if (found.size > total) throw contradiction(`of ${total} entries ${found.size} came`);
    if (found.size === total) return [...found.values()];
    if (result.length === 0) throw contradiction(`of ${total} entries only ${found.size} came`);
  }
  throw contradiction(`${PAGES_MAX} pages came, and the list has not ended`);
}

export function contradiction(what: string): KokoaError {
  return new KokoaError('dns_unreachable', `a list of Cloudflare contradicts itself: ${what}`, {
    hint: 'It is asked again. A zone that somebody else changes all the time can look like this.',
  });
}
