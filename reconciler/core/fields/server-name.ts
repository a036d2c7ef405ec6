// A name that a backend is asked for: one full name, in the spelling that goes over the wire.
import { canonicalHostname } from '../hostname.ts';
import { rules } from '../rules.ts';
import { type FieldPlace, type FieldProblem, one, refuse, shown } from './field.ts';

export const serverName = one<string>(judgeServerName);

function judgeServerName(typed: string, place: FieldPlace): FieldProblem[] {
  const result = canonicalHostname(typed);
  const found = `found ${shown(typed)}`;
  if (result.kind === 'refused')
    return [refuse(place, result.rule, `${found}, expected ${result.expected}`, rules[result.rule].fix)];
  if (result.hostname.startsWith('*'))
    return [refuse(place, 'KK204', `${found}, expected one full name`, 'write the name that the backend answers to')];
  if (result.hostname === typed) return [];
  const message = `${found}, expected lower case letters, digits and dashes, without a dot at the end`;
  return [refuse(place, 'KK201', message, `did you mean ${result.hostname}?`)];
}
