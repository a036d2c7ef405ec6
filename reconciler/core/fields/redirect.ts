// `redirect`: a URL that means the same to every browser and nothing to a web server's configuration.
import type { Redirect } from '../../../schemas/types.ts';
import { canonicalHostname } from '../hostname.ts';
import { block, type FieldPlace, type FieldProblem, meantOr, refuse, saidBySchema, shown } from './field.ts';

const URL_CHARS_MAX = 500;
/** What the wire accepts, and of it only real percent escapes. No `$ ; { } # " ' \`, no space, no user, no fragment. */
const TARGET =
  /^https?:\/\/[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[0-9]{1,5})?(\/([A-Za-z0-9._~!*+,:@&=/-]|%[0-9A-Fa-f]{2})*)?(\?([A-Za-z0-9._~!*+,:@&=/?-]|%[0-9A-Fa-f]{2})*)?$/;

export const redirect = block<Redirect>(
  // Judged with keepPath, below.
  { to: saidBySchema, status: saidBySchema, keepPath: saidBySchema },
  judgeRedirect,
);

function judgeRedirect({ to, keepPath = true }: Redirect, place: FieldPlace): FieldProblem[] {
  const problem = (rule: 'KK327' | 'KK328' | 'KK329', expected: string, hint: string) => [
    refuse(place, rule, `found ${foundIn(to)}, expected ${expected}`, hint, '/to'),
  ];
  const expected = whatIsWrong(to);
  if (expected !== undefined)
    return problem('KK327', expected, meantOr(nearestTarget(to), 'write a URL such as https://www.hoge.com'));
  const url = new URL(to);
  if (keepPath && to !== url.origin) {
    const bare = url.pathname === '/' && url.search === '';
    const hint = bare ? `did you mean ${url.origin}?` : `write ${url.origin}, or add keepPath: false`;
    return problem('KK328', "a bare URL, to which the visitor's path is added", hint);
  }
  if (url.port === '' && canonicalOf(url.hostname) === place.hostname)
    return problem('KK329', 'another hostname than this one: it would never end', 'name another host or port');
  return [];
}

/** A user and a password are not repeated. */
function foundIn(to: string): string {
  return shown(to.replace(/^([a-z]+:\/\/)?[^/]*@/i, '$1…@'));
}

/** What was expected instead; undefined: nothing is wrong. */
function whatIsWrong(to: string): string | undefined {
  if (!/^https?:\/\//i.test(to) || !URL.canParse(to)) return 'an http or https URL';
  const url = new URL(to);
  if (url.username !== '' || url.password !== '') return 'a URL without a user or password';
  if (to.includes('#')) return 'a URL without a fragment (#…)';
  if (url.port === '0') return 'a port from 1 to 65535';
  if (!TARGET.test(to)) return 'a lower-case name and a path of letters, digits and . _ ~ ! * + , : @ & = - or %XX';
  return to === spelled(url, to) ? undefined : 'a URL in its usual spelling';
}

/** As browsers write it; the slash of a bare one is a matter of taste. */
function spelled(url: URL, typed: string): string {
  return url.pathname === '/' && !typed.endsWith('/') && url.search === '' ? url.origin : url.href;
}

function nearestTarget(to: string): string | undefined {
  const typed = to.trim();
  const full = /^[a-z]+:\/\//i.test(typed) ? typed : `https://${typed.replace(/^\/+/, '')}`;
  if (!URL.canParse(full)) return undefined;
  const url = new URL(full);
  url.username = '';
  url.password = '';
  url.hash = '';
  const near = url.pathname === '/' && url.search === '' ? url.origin : url.href;
  return near !== to && near.length <= URL_CHARS_MAX && whatIsWrong(near) === undefined ? near : undefined;
}

function canonicalOf(name: string): string | undefined {
  const result = canonicalHostname(name);
  return result.kind === 'hostname' ? result.hostname : undefined;
}
