// What is said in Markdown to somebody who asked for a hostname in an issue, and of it in the pull request. Law: every value stands in a code
// span or an indented block, where no markup, mention or link of it counts.
import { codeSpan } from './changes/markdown.ts';
import type { HostnameRequest, RequestProblem } from './hostname-request.ts';
import type { Problem } from './problem.ts';
import { withoutShapes } from './secret-shapes.ts';

const PROBLEMS_MAX = 20;
const MESSAGE_CHARS_MAX = 500;

export interface RouteProposal {
  issue: number;
  request: HostnameRequest;
  path: string;
}

/** Title, body and commit message of the pull request. */
export function proposalText({ issue, request, path }: RouteProposal): {
  title: string;
  body: string;
  message: string;
} {
  const { hostname, origin, port, remarks } = request;
  const parts = [
    `Asked for in #${issue}; closes #${issue}.`,
    `${codeSpan(hostname)} → ${codeSpan(`${origin}:${port}`)}, by ${codeSpan(path)}.`,
    ...(remarks === '' ? [] : ['Remarks of whoever asked:', indented(remarks)]),
    'Whoever opened the issue need not be of the team: look at the name and the machine before you merge.',
    '**No check runs by itself here**: GitHub starts none for what a workflow opens. Close this pull request and open it again, and they run. ' +
      'Where the Kokoa App watches this repository its check is there without that.',
  ];
  return {
    title: `Route ${hostname}`,
    body: `${parts.join('\n\n')}\n`,
    message: `Route ${hostname}\n\nAsked for in #${issue}.`,
  };
}

/** `isNew` false: it was opened when the issue was last looked at. */
export function openedAnswer({
  number,
  state,
  isNew,
}: {
  number: number;
  state: 'open' | 'closed';
  isNew: boolean;
}): string {
  if (state === 'closed')
    return `#${number} was opened for this issue, and is closed. Open it again, or open a new issue for another name.\n`;
  const first = isNew ? `Proposed in #${number}` : `#${number} is open for this issue`;
  return `${first}: once it is merged, the name is on the internet. Changes go there now: editing this issue has no effect any more.\n`;
}

export function refusedAnswer(problems: readonly RequestProblem[]): string {
  return refusal(problems.map(({ field, message }) => `**${field}**: ${codeSpan(cut(message))}`));
}

/** Of the file that would have been written. */
export function invalidAnswer(problems: readonly Pick<Problem, 'rule' | 'message' | 'hint'>[]): string {
  return refusal(
    problems.map(({ rule, message, hint }) => `${rule}: ${codeSpan(cut(message))} — ${codeSpan(cut(hint))}`),
  );
}

/** What only somebody with more rights can mend. */
export function failedAnswer(message: string, hint: string | undefined): string {
  const what = hint === undefined ? '' : ` ${codeSpan(cut(hint))}`;
  return `The pull request could not be opened: ${codeSpan(cut(message))}.${what}\n\nThis is for the operators, not for you.\n`;
}

function refusal(lines: readonly string[]): string {
  const shown = lines.slice(0, PROBLEMS_MAX);
  const rest = lines.length - shown.length;
  const list = [...shown, ...(rest > 0 ? [`… and ${rest} more`] : [])].map((line) => `- ${line}`).join('\n');
  return `No pull request was opened. Edit the issue, and it is looked at again:\n\n${list}\n`;
}

function indented(text: string): string {
  const plain = withoutShapes(text).replace(/(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '');
  return plain
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}

/** One line, without what could act on a reader. */
function cut(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, ' ');
  return line.length > MESSAGE_CHARS_MAX ? `${line.slice(0, MESSAGE_CHARS_MAX)}…` : line;
}
