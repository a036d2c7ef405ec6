// The tables of routes that say more than where they go: parts of a site, who may come in, where else to. Law: a row stands under the
// route's name, or its name and a prefix (a spot), and holds one checked word; so no text of a route becomes configuration.
import { isWildcard } from '../../bundle/certificate-name.ts';
import type { WireAuth, WirePlace, WireRoute } from '../../bundle/config.ts';
import { OWN_PAGE_STATUSES, ownPageName, PAGES_FOLDER } from './error-pages.ts';
import { allowed } from './mustache-template.ts';
import { NetworkLists } from './network-lists.ts';
import type { UpstreamReference, Upstreams } from './nginx-upstreams.ts';
import { kindOf } from './policy-class.ts';
import { usersFileName } from './users-file.ts';

/** Tables by what their rows say; the key is a spot, or a route's name where so noted. */
const TABLES = [
  'spots',
  'kinds',
  'strips',
  'allows',
  'denies',
  'users',
  'logins',
  'sign-ins',
  'tls-names',
  /** By name: routes with `paths`. */
  'divided',
  /** By name. */
  'maintenance',
  /** By name. */
  'redirects',
] as const;
type TableName = (typeof TABLES)[number] | `places-${number}` | `pages-${string}`;

type Word = string | { upstream: UpstreamReference; after: string };

export class GateTables {
  readonly networks = new NetworkLists();
  readonly #upstreams: Upstreams;
  readonly #rows = new Map<TableName, [key: string, word: Word][]>();
  /** Parts of the longest prefix, `/a/b` having two. Each is a lookup. */
  #deepest = 0;
  readonly #pages = new Map<string, string>();
  #longestKey = 0;
  #gated = false;

  constructor(upstreams: Upstreams) {
    this.#upstreams = upstreams;
    for (const table of TABLES) this.#rows.set(table, []);
    for (const status of OWN_PAGE_STATUSES) this.#rows.set(`pages-${status}`, []);
  }

  /** @throws KokoaError unsafe_value */
  add(route: WireRoute): void {
    this.#gated = true;
    const name = spotName(route.hostname);
    const { redirect, maintenance, paths = [] } = route;
    if (redirect) this.#put('redirects', name, allowed('redirect', redirect.to));
    if (maintenance) this.#put('maintenance', name, this.networks.idOf(maintenance.allow));
    if (route.backends.length > 0) this.#addPlace(name, route.hostname, route);
    for (const path of paths) {
      const prefix = allowed('prefix', path.prefix);
      const spot = `${name}${prefix}`;
      this.#putPrefix(spot, prefix);
      if (path.stripPrefix) this.#put('strips', spot, '1');
      this.#addPlace(spot, route.hostname, path);
    }
    if (paths.length > 0) this.#put('divided', name, '1');
  }

  /** Pages of a route's own; also plain routes may have them. @throws KokoaError unsafe_value */
  pages({ hostname, errorPages = {} }: WireRoute): void {
    for (const status of OWN_PAGE_STATUSES) {
      const html = errorPages[status];
      if (html === undefined) continue;
      const file = ownPageName(allowed('page', html));
      this.#pages.set(`${PAGES_FOLDER}/${file}`, html);
      this.#put(`pages-${status}`, spotName(hostname), file);
    }
  }

  /** False: no route needs any of the tables but those of pages. */
  get gated(): boolean {
    return this.#gated;
  }

  /** 1, 2, … up to the parts of the longest prefix: a table for each. */
  levels(): number[] {
    return Array.from({ length: this.#deepest }, (_, index) => index + 1);
  }

  get withLogins(): boolean {
    return this.#rows.get('logins')!.length > 0;
  }

  /** Rows of the largest table. */
  largest(): number {
    return Math.max(...[...this.#rows.values()].map(({ length }) => length));
  }

  longestKey(): number {
    return this.#longestKey;
  }

  /** `spots.map` → lines, for every table; after the upstreams have their names. */
  files(): Map<string, string[]> {
    return new Map(
      [...this.#rows].map(([table, rows]) => [`${table}.map`, rows.map(([key, word]) => `${key} ${textOf(word)};`)]),
    );
  }

  /** Own pages: relative path → HTML. */
  pageFiles(): ReadonlyMap<string, string> {
    return this.#pages;
  }

  #addPlace(spot: string, hostname: string, place: WirePlace): void {
    const { allow, deny, auth, originTls } = place;
    this.#put('spots', spot, { upstream: this.#upstreams.of(place, hostname), after: '' });
    const kind = kindOf(place);
    if (kind) this.#put('kinds', spot, kind.id);
    if (originTls?.serverName !== undefined) this.#put('tls-names', spot, allowed('hostname', originTls.serverName));
    if (allow) this.#put('allows', spot, this.networks.idOf(allow));
    if (deny) this.#put('denies', spot, this.networks.idOf(deny));
    if (auth) this.#addAuth(spot, hostname, auth);
  }

  #addAuth(spot: string, hostname: string, auth: WireAuth): void {
    if (auth.kind === 'basic') {
      // A file that is not there lets nobody in.
      this.#put('users', spot, auth.sealed === undefined ? NOBODY : allowed('name', usersFileName(auth.sealed)));
      return;
    }
    const upstream = this.#upstreams.of({ backends: [{ address: auth.address, port: auth.port }] }, hostname);
    this.#put('logins', spot, { upstream, after: allowed('urlPath', auth.path) });
    if (auth.signIn !== undefined) this.#put('sign-ins', spot, { upstream, after: allowed('urlPath', auth.signIn) });
  }

  #putPrefix(spot: string, prefix: string): void {
    const parts = prefix.split('/').length - 1;
    for (; this.#deepest < parts; this.#deepest += 1) this.#rows.set(`places-${this.#deepest + 1}`, []);
    this.#put(`places-${parts}`, spot, prefix);
  }

  #put(table: TableName, key: string, word: Word): void {
    this.#rows.get(table)!.push([key, word]);
    this.#longestKey = Math.max(this.#longestKey, key.length);
  }
}

const NOBODY = 'nobody';

/** `app.hoge.com`; `_.hoge.com` for `*.hoge.com`, because no hostname has an underscore. */
function spotName(hostname: string): string {
  return isWildcard(hostname) ? `_.${hostname.slice(2)}` : hostname;
}

function textOf(word: Word): string {
  return typeof word === 'string' ? word : `${word.upstream.name}${word.after}`;
}
