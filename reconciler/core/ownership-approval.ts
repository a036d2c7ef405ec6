// Who has to agree before something of theirs is another's: the owners that kokoa.yaml of the base names, and the operators.
import type { Change } from './ownership-change.ts';
import { teamLine } from './ownership-lines.ts';
import { holdingsOfOthers, OPERATORS, ownersOf } from './ownership-owners.ts';
import { KOKOA_FILE } from './paths.ts';
import type { Problem } from './problem.ts';

/** The hint of what the head itself refuses in a changed file, with the people who could allow it. */
export function approvalHint(change: Change, { file, rule, hint }: Problem): string {
  const route = change.head.route(file);
  const kokoa = change.base.kokoa?.value;
  if (route?.value === undefined || route.team === undefined || kokoa === undefined) return hint;
  if (rule === 'KK301') {
    if (hint.startsWith('did you mean')) return hint;
    const { line, approvers } = teamLine(change, route.team, [route]) ?? { approvers: OPERATORS };
    return `${hint}; ${approvers} approve it${line === undefined ? '' : `: ${line}`}`;
  }
  if (rule === 'KK302' || rule === 'KK340') {
    const port = rule === 'KK340' ? route.value.publicPort : undefined;
    const owners = holdingsOfOthers(kokoa, route.team, { hostname: route.hostname, port });
    const asked = owners.map(({ team }) => `${ownersOf(kokoa, team)} (team ${team})`);
    return `${hint}; ${[...asked, OPERATORS].join(' and ')} decide about ${KOKOA_FILE}`;
  }
  return rule === 'KK305' ? `${hint}, approved by ${OPERATORS}; not in this change` : hint;
}
