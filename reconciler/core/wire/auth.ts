// Who is asked for a name and a password, or by which login service. Law: a place that asks never compiles to one that does not.
import type { WireAuth } from '../../../bundle/config.ts';
import type { Auth } from '../../../schemas/types.ts';
import { sortedNames } from './headers.ts';
import type { Reached } from './reach.ts';

export function wireAuth({ basic, forward }: Auth, reached: Reached): WireAuth {
  if (forward === undefined) {
    const sealed = basic && reached.sealed(basic.users);
    return { kind: 'basic', ...(sealed !== undefined && { sealed }) };
  }
  const { path, signIn, identityHeaders = [] } = forward;
  return {
    kind: 'forward',
    ...reached.at({ ...forward, pointer: '' }),
    path,
    ...(signIn !== undefined && { signIn }),
    ...(identityHeaders.length > 0 && { identityHeaders: sortedNames(identityHeaders) }),
  };
}
