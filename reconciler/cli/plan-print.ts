// What `kokoa plan` prints: the changes, or the errors that leave none to print.
import { stripVTControlCharacters } from 'node:util';
import type { Changes } from '../core/changes/change.ts';
import { documentOf } from '../core/changes/document.ts';
import { changesAsJson } from '../core/changes/json.ts';
import { documentAsMarkdown, MARKDOWN_CHARS_MAX } from '../core/changes/markdown.ts';
import { documentAsText } from '../core/changes/text.ts';
import type { Judgement } from './judgement.ts';
import { renderJudgement } from './validate.ts';

export type PlanOutput = 'text' | 'markdown' | 'json';

/** Ends with a newline. */
export function renderChanges(changes: Changes, output: PlanOutput): string {
  if (output === 'json') return changesAsJson(changes);
  const document = documentOf(changes);
  return output === 'markdown' ? documentAsMarkdown(document) : documentAsText(document);
}

/** As `kokoa validate` prints them; in Markdown as an indented block, which nothing in it can end. */
export function renderErrors(judgement: Judgement, dir: string, output: PlanOutput): string {
  if (output !== 'markdown') return renderJudgement(judgement, dir, output);
  const text = stripVTControlCharacters(renderJudgement(judgement, dir, 'text'));
  const block = text.trimEnd().replace(/^/gm, '    ');
  return `### Plan: the data has errors\n\n${block.slice(0, MARKDOWN_CHARS_MAX - 100)}\n`;
}
