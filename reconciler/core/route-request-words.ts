// What a pull request says that was opened for a program. Law: whatever came from the program stands in a code span or a fence that it
// cannot end.
import { codeSpan } from './changes/markdown.ts';
import type { RouteChange, RouteMethod } from './route-request-shapes.ts';

export interface ProposalWords {
  title: string;
  /** Markdown. */
  body: string;
  /** Of the commit. */
  message: string;
}

/** Longer files are only in the diff. */
const SHOWN_CHARS_MAX = 20_000;
const VERBS: Readonly<Record<RouteMethod, string>> = { POST: 'Add', PATCH: 'Change', DELETE: 'Remove' };

/** `tokenName`: as kokoa.yaml calls the token. A hostname is canonical, and a team's name plain: they need no care. */
export function proposalWords(
  method: RouteMethod,
  { hostname, path, text, warnings }: RouteChange,
  { team, tokenName }: { team: string; tokenName: string },
): ProposalWords {
  const title = `${VERBS[method]} ${hostname} (team ${team})`;
  const asked = `A program of team ${codeSpan(team)} asked for this over the API, with the token ${codeSpan(tokenName)}.`;
  const effect = `${VERBS[method]}s the route of ${codeSpan(hostname)}: ${codeSpan(path)}.`;
  const remarks = warnings.map(({ rule, line, message }) => `- ${rule}, line ${line}: ${codeSpan(message)}`);
  const parts = [
    asked,
    effect,
    ...(remarks.length > 0 ? [`Worth reading before it is merged:\n\n${remarks.join('\n')}`] : []),
    ...(text === null || text.length > SHOWN_CHARS_MAX ? [] : [fenced(text)]),
    'Nobody has looked at it yet. The check says what the merge will do; who owns the file approves it.',
  ];
  return {
    title,
    body: parts.join('\n\n'),
    message: `${title}\n\nAsked for over the API with the token ${tokenName}.`,
  };
}

function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}yaml\n${text.trimEnd()}\n${fence}`;
}
