// What the server of a policy class looks up for every request: only what at least one of its routes says. Law: a question that is not
// asked has the same answer for every route of the class, so leaving it out changes no answer.
import { isWildcard } from '../../bundle/certificate-name.ts';
import type { WirePlace, WireRoute } from '../../bundle/config.ts';

const QUESTIONS = [
  /** A wildcard covers one label, but the name of a server any number. */
  'known',
  'denied',
  'allowed',
  'maintained',
  /** Routes with `paths`: does the path mean the same part of the site here and behind? */
  'clear',
  'stripped',
  /** Logins by name and password. */
  'users',
] as const;
export type Question = (typeof QUESTIONS)[number];

const NEEDED: Readonly<Record<Question, (route: WireRoute, places: readonly WirePlace[]) => boolean>> = {
  known: ({ hostname }) => isWildcard(hostname),
  denied: (_, places) => places.some(({ deny }) => deny !== undefined),
  allowed: (_, places) => places.some(({ allow }) => allow !== undefined),
  maintained: ({ maintenance }) => maintenance !== undefined,
  clear: ({ paths = [] }) => paths.length > 0,
  stripped: ({ paths = [] }) => paths.some(({ stripPrefix }) => stripPrefix === true),
  users: (_, places) => places.some(({ auth }) => auth?.kind === 'basic'),
};

export function questionsOf(route: WireRoute): Question[] {
  const places: WirePlace[] = [route, ...(route.paths ?? [])];
  return QUESTIONS.filter((question) => NEEDED[question](route, places));
}

/** One flag for every question, for templates. */
export function asked(questions: ReadonlySet<Question>): Record<Question, boolean> {
  return Object.fromEntries(QUESTIONS.map((question) => [question, questions.has(question)])) as Record<
    Question,
    boolean
  >;
}
