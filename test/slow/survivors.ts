// Directives that no test notices, each with the reason why it stands in its template all the same.
import { readFileSync } from 'node:fs';
import type { Directive } from './template-directives.ts';
import type { Verdict } from './verdicts.ts';

export interface Survivor {
  template: string;
  /** The line that opens the innermost block around it; '' at the top. */
  within: string;
  directive: string;
  /** Which of those that are the same in such a block; default: the first. */
  nth?: number;
  reason: string;
}

export function readSurvivors(): Survivor[] {
  return JSON.parse(readFileSync(new URL('survivors.json', import.meta.url), 'utf8')) as Survivor[];
}

export function isSame({ nth = 1, ...one }: Survivor, other: Directive): boolean {
  return (
    one.template === other.template && one.within === other.within && one.directive === other.text && nth === other.nth
  );
}

/** What is wrong, one line each: survivors without a reason, reasons without a survivor, and verdicts that are none. */
export function complaintsAbout(verdicts: readonly Verdict[], known: readonly Survivor[]): string[] {
  return verdicts.flatMap(({ directive, outcome, by }) => {
    const place = `${directive.template}:${directive.line}: ${directive.text}`;
    const isKnown = known.some((one) => isSame(one, directive));
    if (outcome === 'survived' && !isKnown) return [`nobody noticed ${place}`];
    if (outcome === 'noticed' && isKnown) return [`noticed after all, by ${by}: ${place}`];
    if (outcome === 'unclear') return [`unclear, ${by}: ${place}`];
    return [];
  });
}
