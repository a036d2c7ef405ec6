// `paths`: parts of a site. Law: a prefix has one spelling that needs no decoding, so that no request can be for two of them.
import { PREFIX_PARTS_MAX } from '../../../bundle/config-schema.ts';
import { EDGE_MARK_PATH } from '../../../bundle/edge-mark.ts';
import type { Path, Route } from '../../../schemas/types.ts';
import { auth } from './auth.ts';
import { backends } from './backends.ts';
import { check } from './check.ts';
import { judgePathDestination } from './destination.ts';
import {
  block,
  type FieldPlace,
  type FieldProblem,
  listOf,
  meantOr,
  one,
  refuse,
  saidBySchema,
  shown,
} from './field.ts';
import { host } from './host.ts';
import { networks } from './networks.ts';
import { originTls } from './origin-tls.ts';

/** Of RFC 3986 what no proxy, browser or service writes in a second way. */
const PART = /^[A-Za-z0-9._~@:+,=!-]+$/;
/** What the edge answers itself. */
const KEPT = ['/.kokoa', '/.well-known/acme-challenge', EDGE_MARK_PATH];

const path = block<Path>(
  {
    prefix: one(judgePrefix),
    // Whether there is such an origin is asked with all the other targets of the route.
    origin: saidBySchema,
    port: saidBySchema,
    host,
    backends,
    stripPrefix: saidBySchema,
    sticky: saidBySchema,
    check,
    protocol: saidBySchema,
    originTls,
    auth,
    allow: networks,
    deny: networks,
    public: saidBySchema,
  },
  (value, place) => [...judgePathDestination(value, place), ...judgePublic(value, place)],
);

export const paths = listOf<Path>(path, judgeRepetition);

/** Of a route with its paths, because a path without a destination of its own speaks as the route does. */
export function judgeStripped({ paths: list = [], protocol }: Route, place: FieldPlace): FieldProblem[] {
  return list.flatMap((one, index) => {
    const own = one.origin !== undefined || one.backends !== undefined;
    if (one.stripPrefix !== true || (own ? one.protocol : protocol) !== 'h2c') return [];
    const message = `found stripPrefix with protocol: h2c${own ? '' : ' of the route'}, expected one of them: nginx hands gRPC on with its path unchanged`;
    const hint = 'delete stripPrefix, and name the whole path in your service; gRPC has it in the name of the service';
    return [refuse(place, 'KK347', message, hint, `/paths/${index}/stripPrefix`)];
  });
}

function judgePrefix(typed: string, place: FieldPlace): FieldProblem[] {
  const found = `found ${shown(typed)}`;
  const expected = whatIsWrong(typed);
  if (expected !== undefined) {
    const otherwise = typed === '/' ? 'what stands on the route itself is for all the rest' : 'write it such as /api';
    return [refuse(place, 'KK314', `${found}, expected ${expected}`, meantOr(nearestPrefix(typed), otherwise))];
  }
  const lower = typed.toLowerCase();
  const kept = KEPT.find((own) => lower === own || lower.startsWith(`${own}/`) || own.startsWith(`${lower}/`));
  if (kept === undefined) return [];
  const hint = 'choose another prefix; below /.well-known name the part, such as /.well-known/matrix';
  return [refuse(place, 'KK315', `${found}, expected a prefix that leaves ${kept} to the edge`, hint)];
}

/** What was expected instead; undefined: nothing is wrong. */
function whatIsWrong(typed: string): string | undefined {
  if (!typed.startsWith('/')) return 'a slash at the beginning';
  const parts = typed.slice(1).split('/');
  if (parts.at(-1) === '') return 'one or more parts, and no slash at the end';
  if (parts.includes('')) return 'no empty part (//)';
  if (parts.some((part) => part === '.' || part === '..')) return 'no part that is only dots';
  if (!parts.every((part) => PART.test(part))) return 'parts of letters, digits and . _ ~ @ : + , = ! -';
  return parts.length > PREFIX_PARTS_MAX ? `at most ${PREFIX_PARTS_MAX} parts` : undefined;
}

/** What people write elsewhere: a pattern, a slash at the end or none at the beginning, a whole URL. */
function nearestPrefix(typed: string): string | undefined {
  const bare = typed
    .trim()
    .replace(/^[a-z]+:\/\/[^/]*/i, '')
    .replace(/[?#].*$/s, '')
    .replace(/^[~^=\s]+/, '')
    .replace(/(\/?\(?\.?\*\)?)?\$?$/, '');
  const near = `/${bare
    .split('/')
    .filter((part) => part !== '')
    .join('/')}`;
  return near !== typed && whatIsWrong(near) === undefined ? near : undefined;
}

function judgeRepetition(list: readonly Path[], place: FieldPlace): FieldProblem[] {
  const seen = new Map<string, number>();
  return list.flatMap(({ prefix }, index) => {
    const lower = prefix.toLowerCase();
    const before = seen.get(lower);
    seen.set(lower, before ?? index);
    if (before === undefined) return [];
    const message = `found ${shown(prefix)}, which is the prefix of entry ${before + 1}, expected another one`;
    return [refuse(place, 'KK316', message, 'keep one of them; case makes no difference', `/${index}/prefix`)];
  });
}

function judgePublic(value: Path, place: FieldPlace): FieldProblem[] {
  if (value.public !== true || value.auth === undefined) return [];
  const message = 'found public: true beside auth, expected one of them';
  return [refuse(place, 'KK332', message, 'delete public to ask for a login, or auth to ask for none', '/public')];
}
